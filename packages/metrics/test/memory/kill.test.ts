import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Segment } from '@millrace/shared-memory';
import { until, within } from '@millrace/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Counter, type JsonMetric, Registry } from '../../src/index.js';

const PROGRAM = new URL('../../dist-test/memory/fixtures/counting.js', import.meta.url).pathname;
const KILLS = 200;
const AT_ONCE = 4;
/** Milliseconds that a process counts at most: where in its work it is killed is up to chance. */
const LONGEST_LIFE_MS = 12;
/** As in the program. */
const SERIES_OF_A_LIFE = 60;

const registry = Registry.anonymous({ maxSeries: 50_000 });
const notes = Segment.anonymous({ size: KILLS * 16 });
const begun = (life: number) => new Float64Array(notes.buffer, notes.byteOffset)[2 * life] as number;
const confirmed = (life: number) => new Float64Array(notes.buffer, notes.byteOffset)[2 * life + 1] as number;
const lives = Array.from({ length: KILLS }, (_, life) => life);
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

let page: Map<string, JsonMetric>;
const values = (name: string) => page.get(name)?.values ?? [];
const valueIn = (name: string) => values(name)[0]?.value;

async function liveAndDie(life: number): Promise<void> {
  const child = spawn(process.execPath, [PROGRAM, String(life)], {
    stdio: ['ignore', 'pipe', 'inherit', registry.descriptor, notes.descriptor],
  });
  const closed = once(child, 'close');
  await Promise.race([once(child.stdout as NodeJS.ReadableStream, 'data'), closed]);
  // Every other one dies at any moment of its start as well, which is when it defines its metrics.
  if (life % 2 === 0) await until(`life ${life} counts`, () => begun(life) > 0, { everyMs: 1 });
  // No synchronisation: the moment of its death is to be any.
  await sleep(Math.random() * LONGEST_LIFE_MS);
  child.kill('SIGKILL');
  const [code, signal] = await closed;
  expect({ code, signal }).toEqual({ code: null, signal: 'SIGKILL' });
}

beforeAll(async () => {
  const left = [...lives];
  const one = async () => {
    for (let life = left.pop(); life !== undefined; life = left.pop()) await liveAndDie(life);
  };
  await within('the lives', Promise.all(Array.from({ length: AT_ONCE }, one)), 400_000);
  page = new Map((await registry.getMetricsAsJSON()).map((metric) => [metric.name, metric]));
}, 420_000);
afterAll(() => {
  registry.close();
  notes.close();
});

test('a counter of 4 processes that are killed 200 times has what each has counted, to the one', () => {
  const byLife = new Map(values('lives_total').map(({ labels, value }) => [Number(labels.life), value]));
  for (const life of lives) {
    const counted = byLife.get(life) ?? 0;
    // Between the counting of a round and its note lies the one round that a death can cut in two.
    expect(counted, `life ${life}`).toBeGreaterThanOrEqual(confirmed(life));
    expect(counted, `life ${life}`).toBeLessThanOrEqual(begun(life));
    expect(begun(life) - confirmed(life), `life ${life}`).toBeLessThanOrEqual(1);
  }
  const counted = sum([...byLife.values()]);
  const total = valueIn('all_total') as number;
  expect(total).toBeGreaterThanOrEqual(sum(lives.map(confirmed)));
  expect(total).toBeLessThanOrEqual(sum(lives.map(begun)));
  // `all_total` comes first: it may have one more of each life, and never one less.
  expect(total - counted).toBeGreaterThanOrEqual(0);
  expect(total - counted).toBeLessThanOrEqual(KILLS);
  expect(lives.filter((life) => begun(life) > 0).length).toBeGreaterThanOrEqual(KILLS / 2);
});

test('a histogram has them in its buckets, whose last is its count', () => {
  const total = valueIn('all_total') as number;
  const last = values('rounds').find(({ labels }) => labels.le === '+Inf')?.value as number;
  expect(total - last).toBeGreaterThanOrEqual(0);
  expect(total - last).toBeLessThanOrEqual(KILLS);
  expect(values('rounds').find(({ metricName }) => metricName === 'rounds_count')?.value).toBe(last);
});

test('each series that a life has confirmed is there once, with what it counted, and none is half', () => {
  const added = values('added_total');
  const keys = added.map(({ labels }) => `${labels.life}:${labels.round}`);
  expect(new Set(keys).size).toBe(keys.length);
  expect(
    added.every(({ value, labels }) => value === 1 || isLast(Number(labels.life), Number(labels.round))),
  ).toBe(true);
  for (const life of lives) {
    const there = keys.filter((key) => key.startsWith(`${life}:`)).length;
    expect(there).toBeGreaterThanOrEqual(Math.min(SERIES_OF_A_LIFE, confirmed(life)));
    expect(there).toBeLessThanOrEqual(Math.min(SERIES_OF_A_LIFE, begun(life)));
  }
});

test('after all those deaths another process adds a series at once, and nothing was lost', () => {
  const counter = new Counter({
    name: 'lives_total',
    help: 'Rounds.',
    labelNames: ['life'],
    registers: [registry],
  });
  counter.inc({ life: 'after' }, 7);
  expect(registry.lost).toBe(0);
  expect(counter.labels('after')).toBe(counter.labels({ life: 'after' }));
});

/** The series that a life was adding when it died: it may be there with nothing counted yet. */
function isLast(life: number, round: number): boolean {
  return round === begun(life) && round > confirmed(life);
}

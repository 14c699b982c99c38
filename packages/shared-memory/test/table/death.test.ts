import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { processInfo, until } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { Table } from '../../src/index.js';
import { columns, isWhole } from './fixtures/table-rows.js';
import { codeOf, randomOf } from './tables.js';

const STRESS = process.env.MILLRACE_STRESS !== undefined;
const KILLS = STRESS ? 500 : 40;
/** Milliseconds that the owner of a lock stays stopped. */
const STOPPED_MS = STRESS ? 5_000 : 1_000;
/** Others go on within so many milliseconds after a death. */
const GO_ON_MS = 100;
const KEYS = 60;
/** Fewer than keys: the table is full again and again. */
const ROWS = 48;

const program = new URL('../../dist-test/table/fixtures/table-writer.js', import.meta.url).pathname;
type Rows = Table<typeof columns>;

function start(table: Rows, seed: number): ChildProcess {
  return spawn(process.execPath, [program, `${seed}`, `${KEYS}`], {
    stdio: ['ignore', 'inherit', 'inherit', table.descriptor],
  });
}

async function kill(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  const [, signal] = await exited;
  // Not by an error of its own before.
  expect(signal).toBe('SIGKILL');
}

function checkRows(table: Rows): void {
  for (const [key, row] of table) expect(isWhole(row), `${key}: ${JSON.stringify(row)}`).toBe(true);
}

const changes = (table: Rows) => {
  const { insertCount, updateCount } = table.stats();
  return insertCount + updateCount;
};

test(`writers are killed ${KILLS} times: the others go on, every row is whole, no row and no slot is lost`, async () => {
  using table = Table.anonymous({ rows: ROWS, columns });
  const random = randomOf(7);
  const waits: number[] = [];
  let seed = 1;
  const writers = [start(table, seed++), start(table, seed++)];
  try {
    for (let i = 0; i < KILLS; i++) {
      const before = changes(table);
      await until('writers at work', () => changes(table) !== before, { everyMs: 1 });
      await sleep(random() * 5);
      const at = Math.floor(random() * writers.length);
      await kill(writers[at] as ChildProcess);
      checkRows(table);
      const from = performance.now();
      for (let key = 0; key < KEYS; key++) table.update(`${key}`, {});
      waits.push(performance.now() - from);
      // Often nobody is left, and all must add up; otherwise the others are at it meanwhile.
      if (i % 4 === 3) {
        await kill(writers[1 - at] as ChildProcess);
        checkExactly(table);
        writers[1 - at] = start(table, seed++);
      }
      writers[at] = start(table, seed++);
    }
  } finally {
    for (const writer of writers) writer.kill('SIGKILL');
  }
  await Promise.all(writers.map((writer) => writer.signalCode ?? once(writer, 'exit')));
  checkExactly(table);
  table.clear();
  expect(table.stats()).toMatchObject({ num: 0, availableSliceNum: ROWS });
  for (let i = 0; i < ROWS; i++) expect(table.set(`fill ${i}`, {})).toBe(true);

  const { recoveredCount } = table.stats();
  waits.sort((a, b) => a - b);
  console.log(
    `${KILLS} kills, ${recoveredCount} of them in the middle of a change; then ${KEYS} keys were changed within ` +
      `${waits[waits.length >> 1]?.toFixed(2)} ms (median), ${waits.at(-1)?.toFixed(2)} ms (longest)`,
  );
  // About a fifth of the writers die with a lock in their hands.
  expect(recoveredCount).toBeGreaterThan(0);
  // Not of the longest: the machine may have been busy with something else then.
  expect(waits[Math.floor(waits.length * 0.9)]).toBeLessThan(GO_ON_MS);
}, 600_000);

/** Nobody else is there. */
function checkExactly(table: Rows): void {
  for (let key = 0; key < KEYS; key++) table.update(`${key}`, {});
  checkRows(table);
  const keys = [...table.keys()];
  const { num, insertCount, deleteCount, availableSliceNum } = table.stats();
  expect({ num, rows: insertCount - deleteCount, availableSliceNum }).toEqual({
    num: keys.length,
    rows: keys.length,
    availableSliceNum: ROWS - keys.length,
  });
  expect(new Set(keys).size).toBe(keys.length);
}

test(`nobody enters where a stopped writer is for ${STOPPED_MS} ms; readers and writers elsewhere do not notice`, async () => {
  // Every key is there, as a stripe of its own for most.
  using table = Table.anonymous({ rows: 1_024, columns });
  using impatient = Table.fromDescriptor(table.descriptor, { columns }, { lockTimeout: 20 });
  const keys = Array.from({ length: KEYS }, (_, key) => `${key}`);
  const busy = () =>
    keys.filter((key) => codeOf(() => impatient.update(key, {})) === 'ERR_MILLRACE_TABLE_BUSY');
  const writer = start(table, 1);
  try {
    const held = await until('the writer to be stopped with a lock in its hands', async () => {
      const before = changes(table);
      await until('the writer at work', () => changes(table) !== before, { everyMs: 1 });
      writer.kill('SIGSTOP');
      await until('the writer stopped', () => processInfo(writer.pid as number)?.state === 'T', {
        everyMs: 1,
      });
      const found = busy();
      if (found.length === 0) writer.kill('SIGCONT');
      return found.length > 0 && found;
    });
    expect(held.length).toBeLessThan(keys.length / 4);
    const contents = [...table];
    const end = performance.now() + STOPPED_MS;
    while (performance.now() < end) {
      expect(busy()).toEqual(held);
      expect([...table]).toEqual(contents);
      for (const key of keys) table.get(key);
    }
    checkRows(table);
    expect(table.stats().recoveredCount).toBe(0);
    expect(() => impatient.update(held[0] as string, {})).toThrow(
      /20 ms.*owner \d+, which lives.*lockTimeout/s,
    );
    writer.kill('SIGCONT');
    await until('the lock to be free again', () => busy().length === 0);
    expect(table.stats().recoveredCount).toBe(0);
  } finally {
    await kill(writer);
  }
});

test('one that waits for a lock gets it at once when the stopped owner is killed', async () => {
  using table = Table.anonymous({ rows: 1_024, columns });
  using impatient = Table.fromDescriptor(table.descriptor, { columns }, { lockTimeout: 20 });
  const keys = Array.from({ length: KEYS }, (_, key) => `${key}`);
  const writer = start(table, 2);
  const held = await until('the writer to be stopped with a lock in its hands', async () => {
    const before = changes(table);
    await until('the writer at work', () => changes(table) !== before, { everyMs: 1 });
    writer.kill('SIGSTOP');
    await until('the writer stopped', () => processInfo(writer.pid as number)?.state === 'T', { everyMs: 1 });
    const found = keys.find((key) => codeOf(() => impatient.update(key, {})) === 'ERR_MILLRACE_TABLE_BUSY');
    if (found === undefined) writer.kill('SIGCONT');
    return found;
  });
  await kill(writer);
  impatient.update(held, {});
  expect(table.stats().recoveredCount).toBe(1);
});

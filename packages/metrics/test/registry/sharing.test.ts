/** How processes and threads meet in one registry, and what is left of those that end. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createInterface, type Interface } from 'node:readline';
import { Worker } from 'node:worker_threads';
import { Segment } from '@millrace/shared-memory';
import { asOtherUser, canBeOthers, leaks, leavings, Program } from '@millrace/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { Counter, Gauge, INHERITANCE_VARIABLE, type MetricsError, Registry } from '../../src/index.js';
import { registryDescriptors, takeRegistries } from '../../src/inheritance.js';

const fixture = (name: string) =>
  new URL(`../../dist-test/registry/fixtures/${name}.js`, import.meta.url).pathname;

class Member {
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(args: readonly string[], descriptors: readonly number[] = [], variable?: string) {
    const { [INHERITANCE_VARIABLE]: _, ...env } = process.env;
    this.#process = spawn(process.execPath, [fixture('member'), ...args], {
      stdio: ['pipe', 'pipe', 'pipe', ...descriptors],
      env: { ...env, ...(variable === undefined ? {} : { [INHERITANCE_VARIABLE]: variable }) },
    });
    const lines: Interface = createInterface({ input: this.#process.stdout as NodeJS.ReadableStream });
    this.#lines = lines[Symbol.asyncIterator]();
    this.errors = '';
    this.#process.stderr?.on('data', (text) => {
      this.errors += text;
    });
    onTestFinished(() => this.kill());
  }

  errors: string;

  async next(): Promise<{ readonly pid: number; readonly variable: string }> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`It has ended: ${this.errors}`);
    return JSON.parse(value as string);
  }

  async count(kind: string): Promise<void> {
    this.#process.stdin?.write(`${kind}\n`);
    await this.next();
  }

  async kill(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const closed = once(this.#process, 'close');
    this.#process.kill('SIGKILL');
    await closed;
  }
}

function opened(registry: Registry): Registry {
  onTestFinished(() => {
    registry.unlink();
  });
  return registry;
}

let names = 0;
const newName = () => `/millrace-metrics-${process.pid}-${names++}`;

test('processes that know a name count in one registry, which stays when they are killed', async () => {
  const name = newName();
  const members = [new Member(['name', name]), new Member(['name', name])];
  for (const member of members) {
    await member.next();
    await member.count('a');
    await member.count('b');
  }
  for (const member of members) await member.kill();
  const registry = opened(Registry.open(name));
  const page = await registry.metrics();
  expect(page).toContain('jobs_total{kind="a"} 2\njobs_total{kind="b"} 2\n');
  expect(page).toContain('\nlevel 1\n');
});

test.runIf(canBeOthers)('a registry of another user under that name is refused', async () => {
  const name = newName();
  const MAKE = `
import os, sys
fd = os.open('/dev/shm' + sys.argv[1], os.O_CREAT | os.O_RDWR, 0o666)
os.write(fd, bytes(8192))
print('ready')
sys.stdin.read()
`;
  const other = await asOtherUser(MAKE, [name]);
  try {
    expect(() => Registry.openOrCreate(name)).toThrow(
      expect.objectContaining({ code: 'ERR_MILLRACE_SEGMENT_OWNER' }),
    );
  } finally {
    await other.stop();
    rmSync(`/dev/shm${name}`);
  }
});

test('a registry without a name is handed on as a descriptor', async () => {
  const registry = opened(Registry.anonymous());
  const member = new Member(['descriptor', '3'], [registry.descriptor]);
  await member.next();
  await member.count('x');
  await member.kill();
  expect(await registry.metrics()).toContain('jobs_total{kind="x"} 1\n');
});

test('what is no registry is refused', () => {
  const segment = Segment.anonymous({ size: 8_192, kind: 'other' });
  onTestFinished(() => segment.close());
  expect(() => Registry.fromDescriptor(segment.descriptor)).toThrow(
    expect.objectContaining({ code: 'ERR_MILLRACE_SEGMENT_MISMATCH' }),
  );
  const name = newName();
  expect(() => Registry.open(name)).toThrow(
    expect.objectContaining({ code: 'ERR_MILLRACE_SEGMENT_MISSING' }),
  );
  opened(Registry.create(name));
  expect(() => Registry.create(name)).toThrow(
    expect.objectContaining({ code: 'ERR_MILLRACE_SEGMENT_EXISTS' }),
  );
});

test('children and their children find the registry of the process above them by the environment', async () => {
  const parent = new Member(['inherit']);
  const { pid, variable } = await parent.next();
  expect(variable).toMatch(new RegExp(`^default=${pid}:\\d+:[\\da-f]{32}$`));
  const child = new Member(['inherit'], [], variable);
  const { pid: childPid, variable: passedOn } = await child.next();
  // The child names itself to its own children: they find it when the first process has ended.
  expect(passedOn).toMatch(new RegExp(`^default=${childPid}:`));
  await parent.count('a');
  await parent.kill();
  const grandchild = new Member(['inherit'], [], passedOn);
  const { variable: last } = await grandchild.next();
  await child.count('a');
  await grandchild.count('a');
  process.env[INHERITANCE_VARIABLE] = last;
  onTestFinished(() => {
    delete process.env[INHERITANCE_VARIABLE];
  });
  const registry = opened(new Registry({ name: 'default' }));
  expect(await registry.metrics()).toContain('jobs_total{kind="a"} 3\n');
});

test('a process whose parent has ended counts in a memory of its own, and says so', async () => {
  const parent = new Member(['inherit']);
  const { variable } = await parent.next();
  await parent.kill();
  const orphan = new Member(['inherit'], [], variable);
  const { pid, variable: own } = await orphan.next();
  expect(own).toMatch(new RegExp(`^default=${pid}:`));
  await orphan.count('x');
  expect(orphan.errors).toContain('ERR_MILLRACE_METRICS_INHERITANCE');
});

test.each([
  ['another memory', (variable: string) => variable.replace(/.{32}$/, '0'.repeat(32))],
  ['a descriptor of something else', (variable: string) => variable.replace(/:\d+:/, ':1:')],
  ['nonsense', () => 'default=1'],
  ['nothing', () => ''],
])('a variable that names %s does no harm', async (what, change) => {
  const parent = new Member(['inherit']);
  const { variable } = await parent.next();
  const child = new Member(['inherit'], [], change(variable));
  const { pid, variable: own } = await child.next();
  expect(own).toMatch(new RegExp(`^default=${pid}:`));
  await child.count('x');
  expect(child.errors.includes('ERR_MILLRACE_METRICS_INHERITANCE')).toBe(!what.startsWith('no'));
});

test('a thread counts in the registry of its process', async () => {
  const registry = opened(new Registry({ name: 'default' }));
  onTestFinished(() => {
    delete process.env[INHERITANCE_VARIABLE];
  });
  expect(await registry.metrics()).toBe('');
  const thread = new Worker(fixture('member'), { workerData: ['inherit'] });
  await once(thread, 'message');
  expect(await registry.metrics()).toContain('jobs_total{kind="thread"} 1\n');
  const ended = once(thread, 'exit');
  thread.postMessage('end');
  await ended;
  const page = await registry.metrics();
  expect(page).toContain('jobs_total{kind="thread"} 1\n');
  // Its part of the gauge has ended with it.
  expect(page).not.toContain('\nin_flight ');
});

test('workers of a cluster that are killed have their numbers on the page of the primary', async () => {
  await using program = new Program(fixture('cluster'));
  await program.ended();
  expect(program.output).toContain('rounds_total{worker="a"} 1000\nrounds_total{worker="b"} 1000\n');
});

test('the parts of a gauge end with their processes, and a later process begins with 0', async () => {
  const registry = opened(Registry.anonymous());
  const members = [0, 1].map(() => new Member(['descriptor', '3'], [registry.descriptor]));
  for (const member of members) await member.next();
  await members[0]?.count('abc');
  await members[0]?.count('ab');
  await members[1]?.count('a');
  const page = await registry.metrics();
  expect(page).toContain('\nin_flight 3\n');
  expect(page).toContain('\nhighest 2\n');
  await members[0]?.kill();
  const later = await registry.metrics();
  expect(later).toContain('\nin_flight 1\n');
  expect(later).toContain('\nhighest 1\n');
  const next = new Member(['descriptor', '3'], [registry.descriptor]);
  await next.next();
  await next.count('abcd');
  const last = await registry.metrics();
  expect(last).toContain('\nin_flight 2\n');
  expect(last).toContain('\nhighest 4\n');
  expect(last).toContain('jobs_total{kind="abc"} 1\n');
});

test('the parts of one value are averaged, or the first of them taken', async () => {
  const registry = opened(Registry.anonymous());
  const other = Registry.fromDescriptor(registry.descriptor);
  onTestFinished(() => other.close());
  for (const aggregator of ['average', 'first', 'min'] as const)
    new Gauge({ name: aggregator, help: 'A.', aggregator, registers: [registry] }).set(4);
  const page = await other.metrics();
  for (const name of ['average', 'first', 'min']) expect(page).toContain(`${name} 4\n`);
});

test('a process that ends leaves nothing behind', async () => {
  const before = leavings();
  const member = new Member(['inherit']);
  await member.next();
  await member.count('x');
  await member.kill();
  expect(leaks(before)).toEqual([]);
});

test('a process that scribbles over the log does not stop others from counting', async () => {
  const lost: MetricsError[] = [];
  const registry = opened(Registry.anonymous({ onLost: (error) => lost.push(error) }));
  const counter = new Counter({ name: 'a_total', help: 'A.', labelNames: ['x'], registers: [registry] });
  counter.inc({ x: 'before' });
  const scribbler = Registry.fromDescriptor(registry.descriptor);
  onTestFinished(() => scribbler.close());
  const { words } = (scribbler.memory as never as { views: { words: Int32Array } }).views;
  // The end of the log, far beyond the memory.
  words[3] = 2 ** 30;
  counter.inc({ x: 'before' });
  counter.inc({ x: 'after' });
  const page = await registry.metrics();
  expect(page).toContain('a_total{x="before"} 2\n');
  expect(page).toContain('millrace_metrics_lost_total{metric="a_total"} 1\n');
  expect(new Set(lost.map(({ code }) => code))).toEqual(new Set(['ERR_MILLRACE_METRICS_CORRUPT']));
});

test('a memory that was handed on by descriptor is found by that, and by no other', async () => {
  const registry = opened(new Registry({ name: `handed-${process.pid}` }));
  registry.share();
  expect(registryDescriptors().get(registry.name)).toBe(registry.descriptor);
  // As a child has it that may not look at this process.
  const variable = process.env[INHERITANCE_VARIABLE];
  const source = new RegExp(`(${registry.name}=)(\\d+):(\\d+):([\\da-f]{32})`);
  const [, , , , id = ''] = source.exec(variable ?? '') ?? [];
  const losses: MetricsError[] = [];
  const taken = (name: string, fd: number, of: string) => {
    process.env[INHERITANCE_VARIABLE] = `${name}=2147483647:3:${of}`;
    takeRegistries(new Map([[name, fd]]));
    return opened(new Registry({ name, onLost: (error) => losses.push(error) }));
  };
  try {
    const found = taken('found', registry.descriptor, id);
    new Counter({ name: 'handed_total', help: 'Handed.', registers: [found] }).inc(3);
    expect(losses).toEqual([]);
    expect(await registry.metrics()).toContain('handed_total 3\n');
    // Of this process's own descriptor no more than the use ends.
    found.close();
    expect(await registry.metrics()).toContain('handed_total 3\n');
    taken('another', registry.descriptor, id.replace(/./g, '0')).share();
    expect(losses).toMatchObject([{ code: 'ERR_MILLRACE_METRICS_INHERITANCE' }]);
  } finally {
    if (variable === undefined) delete process.env[INHERITANCE_VARIABLE];
    else process.env[INHERITANCE_VARIABLE] = variable;
  }
});

test('a memory that was closed is handed on no more: its descriptor may be another file’s by then', () => {
  const registry = new Registry({ name: `closed-${process.pid}` });
  registry.share();
  expect(registryDescriptors().has(registry.name)).toBe(true);
  registry.close();
  expect(registryDescriptors().has(registry.name)).toBe(false);
});

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { until } from './deadline.js';

export type Role = 'writer' | 'reader';

/** Numbers of one life of a writer; those of the next begin beyond them. */
const NUMBERS_PER_LIFE = 10_000_000;

export interface KillLoopOptions {
  /** A module that is started with its role, the first number and `args`, and calls {@link playRole}. */
  readonly program: string;
  readonly args?: readonly string[];
  /** Descriptors from 3 on that a process of this role inherits. */
  readonly descriptors: (role: Role) => readonly number[];
  /** How often each of the two is killed. */
  readonly kills: number;
  /** Of the choice who is killed and when. */
  readonly seed?: number;
}

/** What the readers have printed comes to. */
export interface KillLoopResult {
  /** Lines that are no number: messages that are not as they were sent. */
  readonly broken: readonly string[];
  /** Numbers that arrived after themselves or a larger one. */
  readonly disordered: readonly number[];
  /** Lives of the writer. */
  readonly lives: number;
  /** Those of which something has arrived. */
  readonly heard: number;
}

/** What {@link playRole} needs of a channel. */
interface NumbersChannel {
  send(message: Buffer): unknown;
  drained(): Promise<void>;
  on(name: 'message', handler: (message: Buffer) => void): unknown;
}

/** Most messages that arrive between two deaths. */
const MOST_BETWEEN = 300;

/**
 * Kills the writer and the reader of some transport under load, in random order and at random moments, each replaced by a
 * process that has booted before; waits after each death for messages to arrive again. Rejects when nothing arrives any more.
 */
export async function killLoop({
  program,
  args = [],
  descriptors,
  kills,
  seed = 0x5eed,
}: KillLoopOptions): Promise<KillLoopResult> {
  let output = '';
  let arrivals = 0;
  let lives = 0;
  const lines: string[] = [];
  const boot = (role: Role) => {
    const first = role === 'writer' ? ++lives * NUMBERS_PER_LIFE : 0;
    const child = spawn(process.execPath, [program, role, String(first), ...args], {
      stdio: ['pipe', 'pipe', 'inherit', ...descriptors(role)],
    });
    child.stdin?.on('error', () => {});
    child.stdout?.setEncoding('latin1');
    return { child, ready: once(child.stdout as NodeJS.ReadableStream, 'data') };
  };
  const begin = async ({ child, ready }: ReturnType<typeof boot>) => {
    await ready;
    child.stdout?.on('data', (text: string) => {
      output += text;
      const end = output.lastIndexOf('\n') + 1;
      const whole = output.slice(0, end).split('\n').slice(0, -1);
      output = output.slice(end);
      lines.push(...whole);
      arrivals += whole.length;
    });
    child.stdin?.write('go\n');
    return child;
  };
  const end = async (child: ChildProcess) => {
    const closed = once(child, 'close');
    child.kill('SIGKILL');
    await closed;
    // A line that was cut off must not run into the next reader's.
    output = '';
  };

  let random = seed;
  const below = (limit: number) => {
    random = (Math.imul(random, 1_103_515_245) + 12_345) >>> 0;
    return (random >>> 8) % limit;
  };
  const left = { writer: kills, reader: kills };
  const spare = { writer: boot('writer'), reader: boot('reader') };
  const running = { writer: await begin(spare.writer), reader: await begin(spare.reader) };
  spare.writer = boot('writer');
  spare.reader = boot('reader');
  const flowing = async () => {
    const before = arrivals;
    const wanted = 1 + below(MOST_BETWEEN);
    const died = `${kills - left.writer} writers and ${kills - left.reader} readers had died`;
    await until(`${wanted} messages; ${died}`, () => arrivals >= before + wanted, { everyMs: 1 });
  };
  try {
    while (left.writer + left.reader > 0) {
      await flowing();
      const role: Role = below(left.writer + left.reader) < left.writer ? 'writer' : 'reader';
      left[role]--;
      await end(running[role]);
      running[role] = await begin(spare[role]);
      spare[role] = boot(role);
    }
    await flowing();
  } finally {
    for (const child of [...Object.values(running), spare.writer.child, spare.reader.child]) await end(child);
  }
  // The last spare writer has not written.
  return judge(lines, lives - 1);
}

function judge(lines: readonly string[], lives: number): KillLoopResult {
  const numbers = lines.map(Number);
  return {
    broken: lines.filter((line) => !/^\d+$/.test(line)),
    disordered: numbers.filter((number, i) => number <= (numbers[i - 1] ?? -1)),
    lives,
    heard: new Set(numbers.map((number) => Math.floor(number / NUMBERS_PER_LIFE))).size,
  };
}

/**
 * The program of a {@link killLoop}: prints `ready` once it has booted, waits for a line of input, and only then opens its end. A
 * writer sends its numbers, each as a message of that number repeated, some with `large` bytes; a reader prints the numbers that it
 * receives, and `broken` for a message that is not as it was sent.
 */
export async function playRole(open: (role: Role) => NumbersChannel, large: number): Promise<void> {
  const [role, first] = process.argv.slice(2) as [Role, string];
  process.stdout.write('ready\n');
  await once(process.stdin, 'data');
  process.stdin.destroy();
  const channel = open(role);
  if (role === 'reader') {
    channel.on('message', (message) => {
      const number = message.toString('latin1', 0, message.indexOf(';'));
      const expected = Buffer.alloc(message.length).fill(`${number};`);
      process.stdout.write(`${message.equals(expected) ? number : 'broken'}\n`);
    });
    return;
  }
  for (let number = Number(first); ; number++) {
    const message = Buffer.alloc(number % 50 === 0 ? large : 16 + (number % 300));
    message.fill(`${number};`);
    if (channel.send(message) !== true) await channel.drained();
    if (number % 100 === 0) await new Promise(setImmediate);
  }
}

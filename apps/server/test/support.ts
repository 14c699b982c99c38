import { readdirSync, readFileSync } from 'node:fs';
import { PosixQueue, SystemVQueue } from '@millrace/msg-queue';
import { Program, TestClient, until } from '@millrace/testkit';
import { test } from 'vitest';
import type { Ipc, ServerOptions } from '../src/index.js';

export type TaskTransport = Extract<ServerOptions['taskTransport'], string>;

export interface RunningServer extends AsyncDisposable {
  readonly program: Program;
  /** The port for lines. */
  readonly lines: number;
  /** The port for frames with a 4-byte length. */
  readonly frames: number;
}

/** Whether this run is of base mode; see vitest.config.ts. */
export const isBase = process.env.MILLRACE_TEST_MODE === 'base';

/** What base mode cannot promise: a client's socket is its worker's, and ends with it. base.test.ts has what holds there. */
export function testOfLastingClients(name: string, body: () => Promise<void>): void {
  test.skipIf(isBase)(name, body);
}

/** The options of a test for the mode of this run; what belongs to reactor threads is left out in base mode. */
export function inMode(options: Partial<ServerOptions>): Partial<ServerOptions> {
  if (!isBase) return options;
  const { reactorNum: _, ...others } = options;
  return { ...others, mode: 'base' };
}

export function fixture(name: string): URL {
  return new URL(`../dist-test/fixtures/${name}.js`, import.meta.url);
}

/** What the project of vitest that runs this says of its servers, see vitest.config.ts; a test's own options come first. */
export const matrix: Partial<ServerOptions> = {
  ...(process.env.MILLRACE_TEST_IPC && { ipc: process.env.MILLRACE_TEST_IPC as Ipc }),
  ...(process.env.MILLRACE_TEST_LOG === 'full' && { logFile: '/dev/full' }),
};

/** Whether the log of this run's servers is on a device that refuses every line; see log-readers.ts. */
export const logIsFull = process.env.MILLRACE_TEST_LOG === 'full';

/** Starts a program of the fixtures, for the mode and links of this run. */
export function launch(
  name: string,
  options: Partial<ServerOptions> = {},
  env: NodeJS.ProcessEnv = {},
  through: readonly string[] = [],
): Program {
  const args = [JSON.stringify(inMode({ ...matrix, ...options }))];
  return new Program(fixture(name), { args, env, through });
}

/** Starts a server of the fixtures as a real program, and waits until it accepts clients. */
export async function startServer(
  options: Partial<ServerOptions> = {},
  env: NodeJS.ProcessEnv = {},
  name = 'echo',
): Promise<RunningServer> {
  const program = launch(name, options, env);
  try {
    const [, lines, frames] = await program.printed(/^listening (\d+) (\d+)/m);
    return {
      program,
      lines: Number(lines),
      frames: Number(frames),
      [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
    };
  } catch (error) {
    await program[Symbol.asyncDispose]();
    throw error;
  }
}

/** A client that worker `id` serves; `question` is answered with a line whose second word is the worker's id. */
export function clientOf(port: number, id: number, question = 'pid'): Promise<TestClient> {
  // In base mode the kernel and chance choose the worker.
  return until(`a client of worker ${id}`, async () => {
    const client = await TestClient.connect(port);
    if ((await client.ask(question)).split(' ')[1] === String(id)) return client;
    client.close();
    return undefined;
  });
}

/**
 * A client that stays: in base mode it comes again where its worker has closed it, as a user's program would have to; in
 * process mode nobody may close it.
 */
export class Visitor {
  readonly #port: number;
  #client: TestClient;

  private constructor(port: number, client: TestClient) {
    this.#port = port;
    this.#client = client;
  }

  static async connect(port: number): Promise<Visitor> {
    return new Visitor(port, await TestClient.connect(port));
  }

  /** Sends a line and returns the one that comes back. */
  async ask(line: string): Promise<string> {
    for (;;) {
      const client = this.#client;
      client.send(`${line}\n`);
      const isOver = () => client.ended || client.socket.readableEnded;
      await until(`an answer to ${line}`, () => client.received.includes('\n') || isOver());
      if (client.received.includes('\n')) return client.line();
      if (!isBase) throw new Error(`The server has closed the connection instead of answering ${line}.`);
      client.close();
      this.#client = await TestClient.connect(this.#port);
    }
  }

  close(): void {
    this.#client.close();
  }
}

/** The pid of the process that `ps` shows under `title`. */
export function pidOf({ program }: RunningServer, title: string): number | undefined {
  return program.children().find((info) => info.title === title && info.state !== 'Z')?.pid;
}

let queues = 0;

/** The options of a task transport, with a queue of this test's own where it needs one, and what removes that. */
export function overTasks(taskTransport: TaskTransport) {
  // Of one process at a time: a pid has at most 22 bits.
  const number = process.pid * 64 + (queues++ % 64);
  if (taskTransport === 'posix-queue') {
    const taskQueueName = `/millrace-test-${number}`;
    // Small: what a user's queues could hold all together has a limit (RLIMIT_MSGQUEUE), and others run tests, too.
    PosixQueue.create(taskQueueName, { maxMessages: 4, messageSize: 8_192 }).close();
    return { options: { taskTransport, taskQueueName }, remove: () => void PosixQueue.unlink(taskQueueName) };
  }
  if (taskTransport === 'system-v-queue') {
    const taskQueueKey = 0x5d000000 + number;
    return { options: { taskTransport, taskQueueKey }, remove: () => void SystemVQueue.free(taskQueueKey) };
  }
  return { options: { taskTransport }, remove: () => {} };
}

/** Waits until the spare of workers, or another, has booted and sleeps: for a while no thread of it has used or wanted processor time. */
export async function spareWaits(server: RunningServer, title = 'millrace: spare'): Promise<void> {
  let last = '';
  let quiet = 0;
  await until(
    'a spare that waits',
    () => {
      const pid = pidOf(server, title);
      const used = pid === undefined ? undefined : sleeping(pid);
      quiet = used !== undefined && used === last ? quiet + 1 : 0;
      last = used ?? '';
      return quiet === 15;
    },
    { everyMs: 20 },
  );
}

/** The same of both spares: until then neither the master nor the manager has all the descriptors that it keeps. */
export async function sparesWait(server: RunningServer): Promise<void> {
  for (const title of ['millrace: spare', 'millrace: manager: spare']) await spareWaits(server, title);
}

/** The processor time of each thread of `pid`; undefined if one of them runs, or waits for a processor or a disk. */
function sleeping(pid: number): string | undefined {
  const threads = readdirSync(`/proc/${pid}/task`).map((thread) => {
    const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8');
    const [state, ...more] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // Its processor time, in user and system.
    return { state, used: more.slice(10, 12).join(' ') };
  });
  if (threads.some(({ state }) => state !== 'S')) return undefined;
  return `${pid}: ${threads.map(({ used }) => used).join(', ')}`;
}

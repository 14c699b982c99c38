/** What the tests of tasks in a queue of the system share. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PosixQueue, SystemVQueue } from '@millrace/msg-queue';
import { TestClient, until } from '@millrace/testkit';
import { afterEach } from 'vitest';
import type { ServerOptions, ServerStats } from '../../src/index.js';
import { launch, overTasks } from '../support.js';

/** What is to be done after the test, the last first. */
export const undo: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

/** A directory that is gone after the test. */
export function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-test-'));
  undo.push(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A queue of the test's own, which knows nothing of tasks. */
export function queueOf(transport: 'posix-queue' | 'system-v-queue') {
  const way = overTasks(transport);
  undo.push(way.remove);
  const { taskQueueName: name, taskQueueKey: key } = way.options as Partial<ServerOptions>;
  const open = () =>
    name === undefined
      ? SystemVQueue.openOrCreate(key as number, { trustedUsers: 'any' })
      : PosixQueue.openOrCreate(name, { messageSize: 8_192, trustedUsers: 'any' });
  return {
    options: way.options,
    address: name === undefined ? ['system-v', String(key)] : ['posix', name],
    open: () => {
      const queue = open();
      undo.push(() => queue.close());
      return queue;
    },
  };
}

/** A message of another program, as task-layout.ts of @millrace/task-pool draws it: a task with a text. */
export function posted(name: string, text: string, padding = 0): Buffer {
  const head = Buffer.alloc(24);
  head[0] = 1; // TASK
  head[1] = 2; // TEXT
  head.writeUInt16LE(name.length, 2);
  head.writeInt32LE(-1, 12);
  head.writeUInt32LE(1, 20);
  return Buffer.concat([head, Buffer.from(name), Buffer.from(text), Buffer.alloc(padding, 0)]);
}

export async function start(options: Partial<ServerOptions>, env: NodeJS.ProcessEnv = {}) {
  const program = launch('tasks', options, env);
  undo.push(() => program[Symbol.asyncDispose]());
  const [, port] = await program.printed(/^listening (\d+)/m);
  const connect = () => TestClient.connect(Number(port));
  const client = await connect();
  const send = (message: unknown) => client.send(`${JSON.stringify(message)}\n`);
  const lines = async (count: number) => {
    const found: string[] = [];
    while (found.length < count) found.push(await client.line());
    return found;
  };
  const asking = await connect();
  const stats = async () =>
    JSON.parse((await asking.ask('{"form":"stats"}')).slice('stats '.length)) as ServerStats;
  /** Keeps a task worker busy until `gate` is there. */
  const hold = async (worker: number, gate: string) => {
    send({ name: 'hold', value: gate, options: { worker } });
    await until('it to run', async () => (await stats()).taskRunningNum === worker + 1);
  };
  return { program, send, lines, stats, hold };
}

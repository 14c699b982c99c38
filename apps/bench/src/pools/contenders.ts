import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { TaskPool, type TaskTransportName } from '@millrace/task-pool';
import { Piscina } from 'piscina';
import { FixedThreadPool } from 'poolifier';
import { Tinypool } from 'tinypool';
import workerpool from 'workerpool';
import type * as millraceTasks from './tasks-millrace.js';
import type { WorkName } from './work.js';

/** What a pool must do to take part. */
export interface Contestant {
  run(name: WorkName, value: unknown): Promise<unknown>;
  /** Resolves when all workers are there, where the pool can tell. */
  ready?(): Promise<unknown>;
  end(): Promise<unknown>;
}

const url = (name: string) => new URL(`./${name}.js`, import.meta.url);
const path = (name: string) => fileURLToPath(url(name));
/** Tasks that may wait: more than any case has under way. */
const MAX_QUEUE = 100_000;

function millrace(
  size: number,
  transport: TaskTransportName,
  largeValues: 'memory' | 'file' = 'memory',
): Contestant {
  const pool = new TaskPool<typeof millraceTasks>(url('tasks-millrace'), {
    size,
    transport,
    largeValues,
    maxQueue: MAX_QUEUE,
  });
  // The cases know what goes with what; here it is whatever was asked for.
  return {
    run: (name, value) => pool.run(name as 'echo', value),
    ready: () => pool.ready(),
    end: () => pool.close(),
  };
}

function piscina(size: number, concurrentTasksPerWorker: number): Contestant {
  const pool = new Piscina({
    filename: path('work'),
    minThreads: size,
    maxThreads: size,
    concurrentTasksPerWorker,
    maxQueue: MAX_QUEUE,
  });
  return { run: (name, value) => pool.run(value, { name }), end: () => pool.destroy() };
}

function tinypool(size: number): Contestant {
  const pool = new Tinypool({
    filename: path('work'),
    minThreads: size,
    maxThreads: size,
    maxQueue: MAX_QUEUE,
  });
  return { run: (name, value) => pool.run(value, { name }), end: () => pool.destroy() };
}

function poolifier(size: number): Contestant {
  const pool = new FixedThreadPool<unknown, unknown>(size, path('tasks-poolifier'), {
    errorHandler: (error: unknown) => console.error(error),
  });
  return { run: (name, value) => pool.execute(value, name), end: () => pool.destroy() };
}

function workers(size: number, workerType: 'thread' | 'process'): Contestant {
  const pool = workerpool.pool(path('tasks-workerpool'), {
    minWorkers: size,
    maxWorkers: size,
    workerType,
    maxQueueSize: MAX_QUEUE,
  });
  return {
    run: async (name, value) => pool.exec(name, [value]),
    end: async () => pool.terminate(true),
  };
}

/** What one writes without a pool: a message to the child that has the fewest, with the serialisation that knows bytes. */
function forked(size: number): Contestant {
  let next = 0;
  const waiting = new Map<number, (result: unknown) => void>();
  const children = Array.from({ length: size }, () => {
    const entry = { child: fork(path('tasks-fork'), { serialization: 'advanced' }), busy: 0 };
    entry.child.on('message', ({ id, result }: { id: number; result: unknown }) => {
      entry.busy--;
      waiting.get(id)?.(result);
      waiting.delete(id);
    });
    return entry;
  });
  return {
    run: (name, value) =>
      new Promise((resolve) => {
        const id = next++;
        waiting.set(id, resolve);
        const entry = children.reduce((least, other) => (other.busy < least.busy ? other : least));
        entry.busy++;
        (entry.child as ChildProcess).send({ id, name, value });
      }),
    end: async () => {
      for (const { child } of children) child.kill('SIGKILL');
    },
  };
}

export const contestants = {
  'millrace ring': (size: number) => millrace(size, 'ring'),
  'millrace pipe': (size: number) => millrace(size, 'pipe'),
  'millrace, files': (size: number) => millrace(size, 'ring', 'file'),
  piscina: (size: number) => piscina(size, 1),
  'piscina, 10 per worker': (size: number) => piscina(size, 10),
  tinypool,
  poolifier,
  'workerpool threads': (size: number) => workers(size, 'thread'),
  'workerpool processes': (size: number) => workers(size, 'process'),
  'child_process.fork': forked,
} satisfies Record<string, (size: number) => Contestant>;

export type ContestantName = keyof typeof contestants;

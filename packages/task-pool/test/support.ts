import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PosixQueue, SystemVQueue } from '@millrace/msg-queue';
import {
  type QueueAddress,
  TaskPool,
  type TaskPoolOptions,
  type TaskTransportName,
} from '@millrace/task-pool';
import { until } from '@millrace/testkit';
import { afterEach } from 'vitest';
import type * as fixture from './fixtures/tasks.js';

export type Fixture = typeof fixture;

export const MODULE = new URL('../dist-test/fixtures/tasks.js', import.meta.url);
export const TRANSPORTS: readonly TaskTransportName[] = ['ring', 'pipe', 'posix-queue', 'system-v-queue'];

let queues = 0;
const queuesOpen: QueueAddress[] = [];

/** A transport, and a queue of this test's own where it needs one; it is removed after the test. */
export function over(transport: TaskTransportName): Pick<TaskPoolOptions, 'transport' | 'queue'> {
  if (transport === 'ring' || transport === 'pipe') return { transport };
  const number = process.pid * 100 + (queues++ % 100);
  const queue =
    transport === 'posix-queue' ? { name: `/millrace-test-${number}` } : { key: 0x4d000000 + number };
  queuesOpen.push(queue);
  return { transport, queue };
}

/** Removes the queues that `over` has named. */
export function removeQueues(): void {
  for (const { name, key } of queuesOpen.splice(0)) {
    if (name !== undefined) PosixQueue.unlink(name);
    else SystemVQueue.free(key as number);
  }
}

const open: TaskPool<Fixture>[] = [];
const directories: string[] = [];

/** Starts a pool that ends with the test. */
export function startPool(options: TaskPoolOptions = {}): TaskPool<Fixture> {
  const pool = new TaskPool<Fixture>(MODULE, { size: 2, ...options });
  open.push(pool);
  return pool;
}

/** A directory that is gone after the test. */
export function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-test-'));
  directories.push(directory);
  return directory;
}

/** A task that waits until it is let go. */
export function gate() {
  const directory = scratch();
  const files = { begun: join(directory, 'begun'), open: join(directory, 'open') };
  /** Waits until it has begun; the pid of its worker. */
  const begun = () =>
    until('the task to begin', () => {
      const pid = existsSync(files.begun) ? Number(readFileSync(files.begun, 'utf8')) : 0;
      return pid > 0 ? pid : undefined;
    });
  return { files, begun };
}

afterEach(async () => {
  for (const pool of open.splice(0)) await pool.destroy();
  removeQueues();
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
});

import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { within } from '@millrace/testkit';
import { describe, expect, test } from 'vitest';
import { PosixQueue, SystemVQueue } from '../../src/index.js';
import { testKey, testName } from '../support.js';

const MODULE = JSON.stringify(new URL('../../dist/index.js', import.meta.url).href);

/** Both kinds behind the same few words, for programs that are text. */
const kinds = [
  {
    name: 'a POSIX queue',
    make() {
      const queue = PosixQueue.create(testName(), { maxMessages: 1, messageSize: 8 });
      const open = `PosixQueue.open(${JSON.stringify(queue.name)})`;
      // Each message is for any reader: a wait for one that never comes needs a queue of its own.
      const empty = `PosixQueue.openOrCreate(${JSON.stringify(`${queue.name}-empty`)}, { maxMessages: 1, messageSize: 8 })`;
      const remove = () => {
        queue.unlink();
        PosixQueue.unlink(`${queue.name}-empty`);
      };
      return { queue, open, never: `${empty}.receive()`, remove };
    },
  },
  {
    name: 'a System V queue',
    make() {
      const queue = SystemVQueue.create(testKey(), { capacity: 8 });
      const open = `SystemVQueue.open(${queue.key})`;
      return { queue, open, never: `${open}.receive({ type: 9 })`, remove: () => void queue.free() };
    },
  },
];

function run(body: string) {
  const program = `import { PosixQueue, SystemVQueue } from ${MODULE};\n${body}`;
  return spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
    timeout: 60_000,
  });
}

function waitingThreads(): number {
  return readdirSync('/proc/self/task').filter((id) => {
    try {
      return readFileSync(`/proc/self/task/${id}/comm`, 'utf8').startsWith('millrace-msgq');
    } catch {
      return false; // it has just ended
    }
  }).length;
}

describe.each(kinds)('the life of a process with $name', ({ make }) => {
  test('it ends by itself when nothing waits, though the queue was never closed', () => {
    const { queue, open, remove } = make();
    const { status, stderr } = run(
      `const queue = ${open}; queue.trySend(Buffer.from('x')); await queue.receive();
       await queue.receive({ timeout: 1 }).catch(() => {});`,
    );
    expect([status, stderr]).toEqual([0, '']);
    queue.close();
    remove();
  });

  test('a wait keeps it alive, and one that is unref’d does not', () => {
    const { queue, open, remove } = make();
    // 13 is Node's word for a top-level await that nothing can settle any more.
    expect(run(`const queue = ${open}; queue.unref(); await queue.receive();`).status).toBe(13);
    const kept = run(
      `const queue = ${open}; setTimeout(() => queue.trySend(Buffer.from('x')), 50).unref();
       console.log((await queue.receive()).data.toString());`,
    );
    expect(kept.stdout).toBe('x\n');
    queue.close();
    remove();
  });

  test('it ends at once when it says so, with waits under way', () => {
    const { queue, open, never, remove } = make();
    queue.trySend(Buffer.alloc(8));
    const { status, stderr } = run(
      `const queue = ${open}; queue.send(Buffer.alloc(8)); ${never}; ${never}; setImmediate(() => process.exit(7));`,
    );
    expect([status, stderr]).toEqual([7, '']);
    queue.close();
    remove();
  });

  test('messages outlive it, killed by SIGKILL with a wait under way, and the queue goes on', async () => {
    const { queue, open, remove } = make();
    const { signal } = run(
      `const queue = ${open}; queue.trySend(Buffer.from('was kept')); queue.send(Buffer.from('was lost'));
       process.kill(process.pid, 'SIGKILL');`,
    );
    expect(signal).toBe('SIGKILL');
    const waiting: Promise<{ data: Buffer }> = queue.receive();
    expect((await within('what was sent', waiting)).data.toString()).toBe('was kept');
    expect(queue.tryReceive()).toBe('empty');
    expect(queue.trySend(Buffer.from('next'))).toBe('sent');
    queue.close();
    remove();
  });

  test('a worker thread that ends with waits under way leaves no thread and no harm', async () => {
    const { queue, open, never, remove } = make();
    queue.trySend(Buffer.alloc(8));
    for (let i = 0; i < 5; i++) {
      const worker = new Worker(
        `import(${MODULE}).then(({ PosixQueue, SystemVQueue }) => {
           const queue = ${open}; queue.send(Buffer.alloc(8)).catch(() => {}); ${never}.catch(() => {});
           require('node:worker_threads').parentPort.postMessage('waiting');
         });`,
        { eval: true },
      );
      await within('the waits', once(worker, 'message'));
      await within('its end', worker.terminate());
    }
    expect(waitingThreads()).toBe(0);
    expect(queue.tryReceive()).toMatchObject({ data: Buffer.alloc(8) });
    expect(queue.trySend(Buffer.alloc(8))).toBe('sent');
    queue.close();
    remove();
  });
});

import { TaskPool, type TaskPoolOptions } from '@millrace/task-pool';
import { isRunning, until } from '@millrace/testkit';
import { describe, expect, test } from 'vitest';
import type * as rogue from '../fixtures/rogue-tasks.js';

const MODULE = new URL('../../dist-test/fixtures/rogue-tasks.js', import.meta.url);
const NONSENSE = ['short', 'kind', 'claim', 'negative', 'others', 'name'].map((kind) => `answer-${kind}`);

const start = (options: TaskPoolOptions) => new TaskPool<typeof rogue>(MODULE, options);

/** Resolves once that worker has begun a task that never ends; `error` with what becomes of it. */
async function held(pool: TaskPool<typeof rogue>, worker: number): Promise<{ error: Promise<unknown> }> {
  return new Promise((resolve) => {
    const onProgress = () => resolve({ error });
    const error = pool.run('hold', undefined, { worker, onProgress }).catch((reason) => reason);
  });
}

describe.each([
  ['ring', 'scribble', ['memory', 'heads', 'magic', 'down', 'length', ...NONSENSE]],
  ['pipe', 'scribblePipe', ['bytes', ...NONSENSE]],
] as const)('a task worker that writes nonsense into its %s', (transport, task, kinds) => {
  test.each(kinds.flatMap((kind) => [1, 2].map((seed) => [kind, seed] as const)))(
    '(%s, %i) is killed and replaced; who asked it hears why at once, and nothing else is lost',
    async (kind, seed) => {
      await using pool = start({ size: 2, concurrency: 2, transport });
      const corrupt: unknown[] = [];
      pool.on('workerCorrupt', (event) => corrupt.push(event));
      const [pid, other] = await Promise.all([0, 1].map((worker) => pool.run('pid', undefined, { worker })));
      const { error } = await held(pool, 0);
      const elsewhere = pool.run('echo', 'elsewhere', { worker: 1 });
      pool.run(task, { kind, seed }, { worker: 0 }).catch(() => {});
      expect(await error).toMatchObject({
        code: 'ERR_MILLRACE_TASK_WORKER_DIED',
        cause: { code: 'ERR_MILLRACE_TASK_CORRUPT', message: expect.stringContaining('task worker 0') },
      });
      await until('the end of the rogue', () => !isRunning(pid as number));
      expect(await elsewhere).toBe('elsewhere');
      for (let i = 0; i < 100; i++) expect(await pool.run('echo', i, { worker: 0 })).toBe(i);
      expect(await pool.run('pid', undefined, { worker: 0 })).not.toBe(pid);
      expect(await pool.run('pid', undefined, { worker: 1 })).toBe(other);
      expect(corrupt[0]).toMatchObject({ worker: 0, pid, error: { code: 'ERR_MILLRACE_TASK_CORRUPT' } });
    },
  );
});

test.each([1, 2, 3])(
  'claims that a worker has written over (%i) cost their tasks, each of which is told, and no other',
  async (seed) => {
    const warnings: string[] = [];
    const warned = ({ message }: Error) => warnings.push(message);
    process.on('warning', warned);
    await using pool = start({ size: 1 });
    for (let i = 0; i < 50; i++) await pool.run('scribble', { kind: 'none', seed });
    for (let i = 0; i < 50; i++) await pool.run('echo', i);
    const scribbled = pool.run('scribble', { kind: 'claims', seed });
    const behind = Array.from({ length: 5 }, (_, i) => pool.run('echo', i).catch((error) => error.code));
    await scribbled;
    const results = await Promise.all(behind);
    expect(results).toContain('ERR_MILLRACE_TASK_CORRUPT');
    for (const [i, result] of results.entries()) expect([i, 'ERR_MILLRACE_TASK_CORRUPT']).toContain(result);
    for (let i = 0; i < 100; i++) expect(await pool.run('echo', i)).toBe(i);
    const again = pool.run('scribble', { kind: 'claims', seed });
    expect(await pool.run('echo', 'again', { retries: 1 })).toBe('again');
    await again;
    process.off('warning', warned);
    expect(warnings.some((line) => line.includes('was written over'))).toBe(true);
  },
);

test('a worker that writes over the words of all doorbells leaves neither the pool nor another worker asleep', async () => {
  await using pool = start({ size: 2 });
  for (let round = 0; round < 5; round++) {
    await pool.run('scribble', { kind: 'bells', seed: 1 }, { worker: 0 });
    for (const worker of [0, 1, 0, 1, 1]) expect(await pool.run('echo', round, { worker })).toBe(round);
  }
});

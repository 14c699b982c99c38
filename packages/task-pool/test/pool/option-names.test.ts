import { expect, test } from 'vitest';
import { startPool } from '../support.js';

test('a misspelt option of a pool or of a task is refused with the nearest name, and no task is counted', async () => {
  expect(() => startPool({ concurency: 2 } as object)).toThrow(
    expect.objectContaining({
      code: 'ERR_MILLRACE_UNKNOWN_OPTION',
      message: "A TaskPool has no option 'concurency'; did you mean 'concurrency'?",
    }),
  );
  const pool = startPool({ size: 1 });
  await expect(pool.run('double', 1, { timout: 5 } as object)).rejects.toMatchObject({
    code: 'ERR_MILLRACE_UNKNOWN_OPTION',
    message: "A task has no option 'timout'; did you mean 'timeout'?",
  });
  expect(pool.stats()).toMatchObject({ queued: 0, running: 0 });
  expect(await pool.run('double', 21)).toBe(42);
  await pool.close();
});

import { syscalls } from '@millrace/native/syscalls';
import { killLoop } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { createPipe } from '../src/index.js';

const KILLS = process.env.MILLRACE_STRESS ? 200 : 12;

test('writer and reader killed at random: every message arrives whole, in order, at most once', {
  timeout: 3_600_000,
}, async () => {
  const pipe = createPipe();
  const result = await killLoop({
    program: new URL('../dist-test/fixtures/numbers.js', import.meta.url).pathname,
    descriptors: (role) => [role === 'writer' ? pipe.left : pipe.right],
    kills: KILLS,
  });
  syscalls.close(pipe.left);
  syscalls.close(pipe.right);
  expect(result).toMatchObject({ broken: [], disordered: [], lives: KILLS + 1 });
  // A writer may be killed before anything of it has arrived, but most are heard.
  expect(result.heard).toBeGreaterThan(result.lives / 2);
});

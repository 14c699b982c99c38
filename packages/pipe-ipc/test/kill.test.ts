import { syscalls } from '@millrace/native/syscalls';
import { killLoop, NUMBERS_PER_LIFE } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { createPipe } from '../src/index.js';

const KILLS = process.env.MILLRACE_STRESS ? 200 : 12;

test('writer and reader killed at random: every message arrives whole, in order, at most once', {
  timeout: 3_600_000,
}, async () => {
  const pipe = createPipe();
  const { lines, lives } = await killLoop({
    program: new URL('../dist-test/fixtures/numbers.js', import.meta.url).pathname,
    descriptors: (role) => [role === 'writer' ? pipe.left : pipe.right],
    kills: KILLS,
  });
  syscalls.close(pipe.left);
  syscalls.close(pipe.right);
  const numbers = lines.map(Number);
  expect(lines.filter((line) => !/^\d+$/.test(line))).toEqual([]);
  for (let i = 1; i < numbers.length; i++) expect(numbers[i]).toBeGreaterThan(numbers[i - 1] as number);
  expect(lives).toBe(KILLS + 1);
  // A writer may be killed before anything of it has arrived, but most are heard.
  expect(new Set(numbers.map((number) => Math.floor(number / NUMBERS_PER_LIFE))).size).toBeGreaterThan(
    lives / 2,
  );
});

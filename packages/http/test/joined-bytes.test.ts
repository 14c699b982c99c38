import { expect, test } from 'vitest';
import { JoinedBytes } from '../src/connection/joined-bytes.js';

/** What comes of `pieces` one behind the other, each time as a whole. */
function joins(pieces: readonly Buffer[]): Buffer[] {
  const joined = new JoinedBytes();
  const results: Buffer[] = [];
  let all: Buffer | undefined;
  for (const piece of pieces) {
    all = all === undefined ? piece : joined.join(all, piece);
    results.push(all);
  }
  return results;
}

function numbered(count: number, bytes: number): Buffer[] {
  return Array.from({ length: count }, (_, i) => Buffer.alloc(bytes, i));
}

test('pieces are joined in their order, and what was joined before stays as it was', () => {
  const pieces = numbered(100, 7);
  for (const [i, all] of joins(pieces).entries())
    expect(all.equals(Buffer.concat(pieces.slice(0, i + 1)))).toBe(true);
});

test('what waits is not copied with each small piece that comes behind it', () => {
  const results = joins(numbered(8_192, 8));
  const memories = new Set(results.map(({ buffer }) => buffer));
  // The first is a piece, the second has no room, and each further one is twice as large.
  expect(memories.size).toBeLessThanOrEqual(15);
});

test('two pieces take no more memory than they have bytes', () => {
  const [, both] = joins(numbered(2, 5_000)) as [Buffer, Buffer];
  expect(both.buffer.byteLength).toBe(10_000);
});

test('what is read from the front meanwhile is not joined again, and stays as it was', () => {
  const joined = new JoinedBytes();
  const [first, second, third, fourth] = numbered(4, 10) as [Buffer, Buffer, Buffer, Buffer];
  const whole = joined.join(joined.join(first, second), third);
  const rest = whole.subarray(15);
  const more = joined.join(rest, fourth);
  expect(more.equals(Buffer.concat([second.subarray(5), third, fourth]))).toBe(true);
  expect(more.buffer).toBe(whole.buffer);
  expect(whole.equals(Buffer.concat([first, second, third]))).toBe(true);
});

test('bytes that are not those joined last are joined in memory of their own', () => {
  const joined = new JoinedBytes();
  const [first, second, third] = numbered(3, 10) as [Buffer, Buffer, Buffer];
  const earlier = joined.join(joined.join(first, second), third);
  const others = joined.join(Buffer.alloc(10, 9), first);
  const again = joined.join(earlier, second);
  expect(others.equals(Buffer.concat([Buffer.alloc(10, 9), first]))).toBe(true);
  expect(again.equals(Buffer.concat([first, second, third, second]))).toBe(true);
  expect(earlier.equals(Buffer.concat([first, second, third]))).toBe(true);
});

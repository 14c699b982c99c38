import { describe, expect, test } from 'vitest';
import { LogRing, textOf } from '../../src/shared/log-ring.js';
import { LOG_RING_BYTES, PART_BYTES, SLOT_BYTES, SLOTS, SLOTS_AT } from '../../src/shared/log-ring-layout.js';

const line = (n: number, more = '') =>
  JSON.stringify({ level: 'info', time: 0, role: 'worker', id: 0, pid: 1, n, msg: more });
const numbers = (lines: readonly string[]) => lines.map((text) => (JSON.parse(text) as { n: number }).n);

function ring() {
  const memory = new ArrayBuffer(LOG_RING_BYTES);
  return { memory, ring: new LogRing(memory) };
}

describe('the last lines of the log', () => {
  test('are read in their order, long ones whole, from the oldest on', () => {
    const { ring: log } = ring();
    const texts = [line(0), line(1, 'x'.repeat(PART_BYTES)), line(2, 'ü'.repeat(PART_BYTES * 3)), line(3)];
    for (const text of texts) log.write(`${text}\n`);
    const position = log.oldest();
    expect(log.read(position, 100)).toEqual({ lines: texts, lost: 0 });
    expect(log.read(position, 100)).toEqual({ lines: [], lost: 0 });
    log.write(line(4));
    expect(numbers(log.read(position, 100).lines)).toEqual([4]);
  });

  test('keep of a line that is too long its beginning and where it comes from', () => {
    const { ring: log } = ring();
    log.write(line(1, '"'.repeat(1_000_000)));
    const [only] = log.read(log.oldest(), 10).lines;
    expect(JSON.parse(only as string)).toMatchObject({
      role: 'worker',
      pid: 1,
      cut: true,
      msg: expect.stringMatching(/^"{1000}/),
    });
  });

  test.each([
    { stream: 'x'.repeat(1_100_000) },
    { id: ['x'.repeat(1_100_000)] },
    { msg: { toString: 1, text: 'x'.repeat(20_000) } },
    { stream: '\u0001'.repeat(20_000), role: '\u0001'.repeat(20_000), msg: '\u0001'.repeat(20_000) },
  ])('are not driven out by one that is too long, whatever it says of itself', (said) => {
    const { ring: log } = ring();
    log.write(line(1));
    log.write(JSON.stringify({ level: 'info', ...said }));
    log.write(line(3));
    const { lines, lost } = log.read(log.oldest(), 10);
    expect([lines.length, lost]).toEqual([3, 0]);
    expect(JSON.parse(lines[1] as string)).toMatchObject({ level: 'info', cut: true });
  });

  test('tell a reader that is too slow exactly how many it has lost', () => {
    const { ring: log } = ring();
    log.write(line(0));
    const position = log.oldest();
    expect(numbers(log.read(position, 1).lines)).toEqual([0]);
    for (let n = 1; n <= SLOTS * 2.5; n++) log.write(line(n, n % 3 === 0 ? 'x'.repeat(PART_BYTES) : ''));
    let read = 0;
    let lost = 0;
    for (;;) {
      const got = log.read(position, 1_000);
      if (got.lines.length === 0) break;
      read += got.lines.length;
      lost += got.lost;
    }
    expect(read).toBeGreaterThan(SLOTS / 3);
    expect(read + lost).toBe(SLOTS * 2.5);
  });

  test('go on where a reader says that it was, by a word', () => {
    const { ring: log } = ring();
    for (let n = 0; n < 10; n++) log.write(line(n));
    const position = log.oldest();
    log.read(position, 4);
    const again = log.positionOf(textOf(position));
    expect(again && numbers(log.read(again, 100).lines)).toEqual([4, 5, 6, 7, 8, 9]);
    expect(log.positionOf('nonsense')).toBeUndefined();
  });

  test('are read past a line that a killed process has left half, which costs that one', () => {
    const { memory, ring: log } = ring();
    for (let n = 0; n < 3; n++) log.write(line(n));
    // As a process leaves it that is killed between the two stores.
    new Int32Array(memory)[(SLOTS_AT + SLOT_BYTES) / 4] = 0;
    const position = log.oldest();
    expect(numbers(log.read(position, 100).lines)).toEqual([0]);
    const rest: number[] = [];
    let lost = 0;
    for (let look = 0; look < 20; look++) {
      const got = log.read(position, 100);
      rest.push(...numbers(got.lines));
      lost += got.lost;
    }
    expect({ rest, lost }).toEqual({ rest: [2], lost: 1 });
  });

  test('are read to an end whatever a process has written over them', () => {
    const { memory, ring: log } = ring();
    const words = new Uint32Array(memory);
    let random = 12_345;
    for (let round = 0; round < 200; round++) {
      for (let n = 0; n < 20; n++) log.write(line(n, 'x'.repeat(n * 100)));
      for (let i = 0; i < 500; i++) {
        random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0;
        words[random % words.length] = random;
      }
      if (round % 10 === 0) words[0] = random;
      const position = log.oldest();
      for (let look = 0; look < 3; look++) expect(log.read(position, 100).lost).toBeGreaterThanOrEqual(0);
    }
  });
});

import { beforeEach, expect, test, vi } from 'vitest';
import { Turn } from '../src/connection/turn-share.js';

const SHARE = { frames: 4, loneFrames: 32, bytes: 1 };

/** Milliseconds of the clock, which stands: a process that does not get the processor would end a turn by it. */
let now = 1;
beforeEach(() => {
  vi.spyOn(performance, 'now').mockImplementation(() => now);
});

/** Frames that `turn` lets `owner` deliver of `count`. */
function delivers(turn: Turn, owner: object, count: number): number {
  turn.begin(owner);
  let frames = 0;
  while (frames < count && turn.takes()) frames++;
  return frames;
}

test('a connection that is alone delivers twice as much in each turn, up to its bound', () => {
  const [turn, owner] = [new Turn(SHARE), {}];
  const frames = Array.from({ length: 6 }, () => delivers(turn, owner, 1_000));
  expect(frames).toEqual([4, 8, 16, 32, 32, 32]);
});

test('it has its share again when another connection has had a turn, whatever listener that belongs to', () => {
  const [turn, elsewhere, owner, other] = [new Turn(SHARE), new Turn(SHARE), {}, {}];
  for (const one of [turn, elsewhere]) {
    for (let i = 0; i < 3; i++) delivers(turn, owner, 1_000);
    expect(delivers(one, other, 1)).toBe(1);
    expect(delivers(turn, owner, 1_000)).toBe(4);
  }
});

test('a connection that does not use its share up gets no more', () => {
  const [turn, owner] = [new Turn(SHARE), {}];
  for (let i = 0; i < 5; i++) expect(delivers(turn, owner, 3)).toBe(3);
  expect(delivers(turn, owner, 1_000)).toBe(4);
});

test('what it has beyond its share ends after half a millisecond', () => {
  const [turn, owner] = [new Turn({ frames: 2, loneFrames: 1 << 20, bytes: 1 }), {}];
  while (delivers(turn, owner, 1 << 20) < 200);
  turn.begin(owner);
  let frames = 0;
  while (turn.takes()) {
    now += 0.1;
    frames++;
  }
  // It looks at the clock at the second frame and every 8 from there: the tenth is not delivered.
  expect(frames).toBe(9);
});

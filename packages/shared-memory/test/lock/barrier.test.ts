import { Program, until, within } from '@millrace/testkit';
import { afterAll, expect, test } from 'vitest';
import { Barrier, Segment, SharedMemoryError } from '../../src/index.js';
import { freshNames, leftNames } from '../segment/names.js';

afterAll(() => {
  expect(leftNames()).toEqual([]);
});

function party(name: string, how: 'blocking' | 'later', rounds = 1): Program {
  return new Program(new URL('../../dist-test/lock/fixtures/barrier-party.js', import.meta.url), {
    args: [name, how, String(rounds)],
  });
}

const how = (i: number) => (i % 2 === 0 ? 'blocking' : 'later');

test('all parties pass together, time after time, and none is a round ahead of the others', async () => {
  const { posix } = freshNames();
  using barrier = Barrier.create(posix, 4);
  const programs = Array.from({ length: 3 }, (_, i) => party(posix, how(i), 200));
  for (let round = 1; round <= 200; round++) {
    // The others wait for this one: none has passed the barrier before.
    for (const { output } of programs) expect(output).not.toContain(`passed ${round} `);
    expect(await within('the other parties', barrier.waitAsync())).toBe(true);
  }
  for (const program of programs) expect((await program.ended()).code).toBe(0);
  for (const { output } of programs) expect(output.match(/passed \d+ true/g)).toHaveLength(200);
  barrier.unlink();
});

test('a party that is killed while it waits is not counted, and the one that comes in its place is', async () => {
  const { posix } = freshNames();
  using barrier = Barrier.create(posix, 3);
  const [dead, other] = [party(posix, 'blocking'), party(posix, 'later')];
  await until('both to wait', () => barrier.waiting === 2);
  dead.kill('SIGKILL');
  await dead.ended();
  expect(barrier.waiting).toBe(1);
  const waits = barrier.waitAsync();
  // Two of three: the seat of the dead is no party.
  expect([await barrier.waiting, other.output]).toEqual([2, 'waiting\n']);
  const successor = party(posix, 'blocking');
  expect(await within('the successor', waits)).toBe(true);
  for (const program of [other, successor]) await program.printed(/passed 1 true/);
  for (const program of [other, successor]) expect((await program.ended()).code).toBe(0);
  barrier.unlink();
});

test('a waiter that gives up is not counted, by its time-out, its signal or the close', async () => {
  const { posix } = freshNames();
  using barrier = Barrier.create(posix, 2);
  expect([barrier.wait({ timeout: 0 }), barrier.wait({ timeout: 5 })]).toEqual([false, false]);
  expect(await barrier.waitAsync({ timeout: 5 })).toBe(false);
  const stop = new AbortController();
  const aborted = barrier.waitAsync({ signal: stop.signal });
  expect(barrier.waiting).toBe(1);
  stop.abort(new Error('enough'));
  await expect(aborted).rejects.toThrow('enough');
  const again = Barrier.open(posix);
  const closed = again.waitAsync();
  expect(barrier.waiting).toBe(1);
  again.close();
  await expect(closed).rejects.toThrow(expect.objectContaining({ code: 'ERR_MILLRACE_CLOSED' }));
  expect(barrier.waiting).toBe(0);
  expect(() => again.wait()).toThrow(SharedMemoryError);
  barrier.unlink();
});

test('of more waiters than parties the others are held for the next time, or get the seat of one that gives up', async () => {
  using barrier = Barrier.anonymous(2);
  const stop = new AbortController();
  const passed: number[] = [];
  const wait = (i: number, signal?: AbortSignal) =>
    barrier.waitAsync({ ...(signal && { signal }) }).then((result) => {
      if (result) passed.push(i);
    });
  const first = [wait(1), wait(2)];
  const third = wait(3, stop.signal);
  await within('the first two', Promise.all(first));
  expect(passed.toSorted()).toEqual([1, 2]);
  const fourth = wait(4);
  await within('the next two', Promise.all([third, fourth]));
  expect(passed.toSorted()).toEqual([1, 2, 3, 4]);
  expect(barrier.waiting).toBe(0);
});

test('many threads that come, give up and come again never pass in other numbers than the parties', async () => {
  using barrier = Barrier.anonymous(3);
  let passes = 0;
  const party = async (seed: number) => {
    let state = seed;
    for (let i = 0; i < 60; i++) {
      state = (state * 1103515245 + 12345) & 0x7fffffff;
      if (await barrier.waitAsync({ timeout: state % 3 })) passes++;
    }
  };
  await within('all of them', Promise.all([1, 2, 3, 4, 5].map(party)));
  expect([passes % 3, barrier.waiting]).toEqual([0, 0]);
  expect(passes).toBeGreaterThan(0);
});

test('a number of parties that cannot be, or is not that of the barrier there, is refused', () => {
  for (const parties of [0, -1, 1.5, 4097, Number.NaN])
    expect(() => Barrier.anonymous(parties)).toThrow(
      expect.objectContaining({ code: 'ERR_MILLRACE_BARRIER_PARTIES' }),
    );
  const { posix } = freshNames();
  using barrier = Barrier.openOrCreate(posix, 2);
  expect(() => Barrier.openOrCreate(posix, 3)).toThrow(/3 parties: this barrier has 2/);
  expect(Barrier.open(posix).parties).toBe(2);
  barrier.unlink();
});

test('barriers lie beside each other in a segment of the user’s', async () => {
  using segment = Segment.anonymous({ size: Barrier.bytes(1) + Barrier.bytes(2), owners: 4 });
  const [one, two] = [new Barrier(segment, 0, 1), new Barrier(segment, Barrier.bytes(1), 2)];
  expect([one.wait(), one.wait(), two.wait({ timeout: 0 })]).toEqual([true, true, false]);
  const waiting = [two.waitAsync(), two.waitAsync()];
  expect(await within('both', Promise.all(waiting))).toEqual([true, true]);
});

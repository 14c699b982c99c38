import { Program, until, within } from '@millrace/testkit';
import { afterAll, expect, test } from 'vitest';
import { Gate, Segment, SharedMemoryError } from '../../src/index.js';
import { freshNames, leftNames } from '../segment/names.js';

afterAll(() => {
  expect(leftNames()).toEqual([]);
});

function fixture(name: string, how: 'blocking' | 'later'): Program {
  return new Program(new URL('../../dist-test/atomic/fixtures/gate-user.js', import.meta.url), {
    args: [name, how],
  });
}

test('all processes that wait pass when it is opened, and the death of one that waited costs the others nothing', async () => {
  const { posix } = freshNames();
  using gate = Gate.create(posix);
  const programs = Array.from({ length: 6 }, (_, i) => fixture(posix, i % 2 === 0 ? 'blocking' : 'later'));
  for (const program of programs) await program.printed(/waiting/);
  const [dead, ...others] = programs as [Program, ...Program[]];
  dead.kill('SIGKILL');
  await dead.ended();
  expect(others.map(({ output }) => output)).toEqual(others.map(() => 'waiting\n'));
  expect(gate.open()).toBe(true);
  for (const program of others) await program.printed(/passed true/);
  for (const program of others) expect((await program.ended()).code).toBe(0);
  gate.unlink();
});

test('whoever comes while it is open passes at once; shut, it keeps those who come', async () => {
  using gate = Gate.anonymous();
  expect([gate.isOpen, gate.wait({ timeout: 0 }), await gate.waitAsync({ timeout: 0 })]).toEqual([
    false,
    false,
    false,
  ]);
  expect([gate.open(), gate.open(), gate.isOpen]).toEqual([true, false, true]);
  expect([gate.wait(), await gate.waitAsync()]).toEqual([true, true]);
  expect([gate.shut(), gate.shut(), gate.isOpen]).toEqual([true, false, false]);
  expect([gate.wait({ timeout: 5 }), await gate.waitAsync({ timeout: 5 })]).toEqual([false, false]);
});

test('who waited when it was opened passes, although it has been shut since', async () => {
  using gate = Gate.anonymous();
  const waiting = Array.from({ length: 3 }, () => gate.waitAsync());
  gate.open();
  gate.shut();
  expect(await within('all to pass', Promise.all(waiting))).toEqual([true, true, true]);
  expect(await gate.waitAsync({ timeout: 1 })).toBe(false);
});

test('a wait is ended by its signal, and by the close', async () => {
  const gate = Gate.anonymous();
  const stop = new AbortController();
  const aborted = gate.waitAsync({ signal: stop.signal });
  const closed = gate.waitAsync();
  stop.abort(new Error('enough'));
  await expect(aborted).rejects.toThrow('enough');
  gate.close();
  await expect(closed).rejects.toThrow(expect.objectContaining({ code: 'ERR_MILLRACE_CLOSED' }));
  for (const use of [() => gate.open(), () => gate.wait(), () => gate.isOpen])
    expect(use).toThrow(SharedMemoryError);
});

test('a gate lies beside others in a segment of the user’s, and is shut where that is zeroed', async () => {
  using segment = Segment.anonymous({ size: 2 * Gate.bytes });
  const [one, two] = [new Gate(segment, 0), new Gate(segment, Gate.bytes)];
  one.open();
  expect([one.isOpen, two.isOpen]).toEqual([true, false]);
  const waiting = two.waitAsync();
  two.open();
  await until('it to pass', () => waiting);
});

import { type Poller, READABLE } from '@millrace/channel';
import { openDescriptors, until } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { connectPipe, listenPipe, spawnWithPipe, threadWithPipe } from '../src/index.js';

const ANSWER = new URL('../dist-test/fixtures/answer.js', import.meta.url);

/** That of a reactor that has been closed, or of a machine that has no room for more. */
const full: Poller = {
  add() {
    throw new Error('no room');
  },
  defer: setImmediate,
  every: () => ({ close() {} }),
};

test('where the pipe cannot be opened no thread and no process is started, and nothing is left open', async () => {
  let threads = 0;
  const count = () => threads++;
  process.on('worker', count);
  const before = openDescriptors('self');
  const processes = () => process.getActiveResourcesInfo().filter((type) => type === 'ProcessWrap').length;
  expect(() => threadWithPipe(ANSWER, { poller: full })).toThrow('no room');
  expect(() => spawnWithPipe(ANSWER, { poller: full, redirect: true })).toThrow('no room');
  expect(processes()).toBe(0);
  await new Promise(setImmediate);
  expect(threads).toBe(0);
  await until('nothing to be left', () => openDescriptors('self') === before);
  process.off('worker', count);
});

test('where the thread or the process cannot be started nothing is left open', async () => {
  const before = openDescriptors('self');
  for (const closeDescriptor of [true, false, 'shutdown'] as const) {
    expect(() => threadWithPipe(ANSWER, { closeDescriptor, worker: { execArgv: ['--none-such'] } })).toThrow(
      expect.objectContaining({ code: 'ERR_WORKER_INVALID_EXEC_ARGV' }),
    );
    expect(() =>
      spawnWithPipe(ANSWER, { closeDescriptor, redirect: true, spawn: { cwd: 5 as never } }),
    ).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }));
  }
  await until('nothing to be left', () => openDescriptors('self') === before);
});

test('a connection whose pipe cannot be opened is closed, on either side', async () => {
  const path = `\0millrace-opening-${process.pid}`;
  const before = openDescriptors('self');
  let accept: ((ready: number) => void) | undefined;
  // Has room for the listener, and for no connection.
  const almostFull: Poller = {
    add(_fd, callback) {
      if (accept !== undefined) throw new Error('no room');
      accept = callback;
      return { update() {}, ref() {}, unref() {}, close() {} };
    },
    defer: setImmediate,
    every: () => ({ close() {} }),
  };
  using _listener = listenPipe(path, () => {}, { poller: almostFull });
  await expect(connectPipe(path, { poller: full })).rejects.toThrow('no room');
  expect(() => accept?.(READABLE)).toThrow('no room');
  expect(openDescriptors('self')).toBe(before + 1);
});

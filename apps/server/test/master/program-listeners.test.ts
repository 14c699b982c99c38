import { expect, test } from 'vitest';
import { asListener, asWorker } from '../../src/contract/ids.js';
import { ProgramListeners } from '../../src/master/program-listeners.js';
import type { ResolvedPort } from '../../src/options/resolved-port.js';

const asked = {
  type: 'listen',
  worker: asWorker(0),
  pid: 1,
  request: 1,
  key: 'a',
  protocol: 'http',
} as const;

function listeners(isOther: boolean): ProgramListeners {
  const ports = [{ late: true } as ResolvedPort];
  return new ProgramListeners({ ports, isOther, open: () => {}, onInsecure: () => {}, close: () => {} });
}

test('a worker with other rights than the master has no path made by it, and its ports', () => {
  const program = listeners(true);
  const path = program.listen({ ...asked, address: { path: '/nowhere/at-all.sock' } });
  expect(path).toMatchObject({ errno: 0, reason: expect.stringContaining("'user', 'group' or 'chroot'") });
  expect(path.listener).toBeUndefined();
  const port = program.listen({ ...asked, address: { host: '127.0.0.1', port: 0 } });
  expect(port).toMatchObject({ listener: asListener(0), host: '127.0.0.1', port: expect.any(Number) });
  program.close(false);
});

test('a worker with the same rights hears what the kernel says of a path', () => {
  const program = listeners(false);
  const answer = program.listen({ ...asked, address: { path: '/nowhere/at-all.sock' } });
  expect(answer).toMatchObject({ errno: 2 });
  program.close(false);
});

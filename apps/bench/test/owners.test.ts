import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import { evenly, ownersOf, sharesOf } from '../src/load/owners.js';

const ECHO = `const server = require('node:net').createServer((socket) => socket.pipe(socket));
server.listen(0, '127.0.0.1', () => console.log(server.address().port));`;

test('who has a connection is told by the kernel, also where the server is a process below its root', async () => {
  const command = `${JSON.stringify(process.execPath)} -e "$0"; exit`;
  const root = spawn('sh', ['-c', command, ECHO], { stdio: ['pipe', 'pipe', 'inherit'], detached: true });
  onTestFinished(() => void process.kill(-(root.pid as number), 'SIGKILL'));
  const port = Number(String(await once(root.stdout, 'data')));
  const clients: Socket[] = [];
  for (let i = 0; i < 3; i++) {
    const client = connect(port, '127.0.0.1');
    onTestFinished(() => void client.destroy());
    await once(client, 'connect');
    clients.push(client);
  }
  await vi.waitFor(() => expect(ownersOf(port, root.pid as number).size).toBe(3), 10_000);
  const owners = ownersOf(port, root.pid as number);
  const fds = clients.map((client) => (client as unknown as { _handle: { fd: number } })._handle.fd);
  expect([...owners.keys()].sort()).toEqual(fds.sort());
  expect(sharesOf(owners)).toEqual([3]);
  expect([...owners.values()]).not.toContain(root.pid);
  // Those of another server are not in it.
  expect(ownersOf(port + 1, root.pid as number).size).toBe(0);
});

test('an even share is as many of each process, and there is none before each has as many', () => {
  const owners = new Map([
    [10, 1],
    [11, 1],
    [12, 2],
    [13, 1],
    [14, 2],
  ]);
  expect(sharesOf(owners)).toEqual([3, 2]);
  expect(evenly(owners, 2, 2)).toEqual(new Set([10, 11, 12, 14]));
  expect(evenly(owners, 2, 3)).toBeUndefined();
  expect(evenly(owners, 3, 1)).toBeUndefined();
});

import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { resumable } from '../../src/resumable.js';

/** A server of this process, which the kernel gives its clients to, and what is resumed of it. */
async function start(name: string) {
  const server = new WebSocketServer({ port: 0 });
  onTestFinished(() => server.close());
  await once(server, 'listening');
  const kept = resumable(server, { name, resume: () => {} });
  const connected = once(server, 'connection') as Promise<[WebSocket]>;
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  onTestFinished(() => client.terminate());
  const opened = once(client, 'open');
  const [socket] = await connected;
  await opened;
  return { kept, socket, client };
}

test('under plain node a WebSocket is served as ever, and nothing is kept of it', async () => {
  const { kept, socket, client } = await start('plain');
  socket.on('message', (data) => socket.send(data));
  expect(kept.canResume(socket)).toBe(false);
  expect(kept.keep(socket, 'state')).toBe(false);
  client.send('hello');
  expect(String((await once(client, 'message'))[0])).toBe('hello');
});

test('what is too large is refused under plain node as well', async () => {
  const { kept, socket } = await start('large');
  expect(() => kept.keep(socket, new Uint8Array(4_097))).toThrow(
    expect.objectContaining({
      code: 'ERR_MILLRACE_KEEP_SIZE',
      message: expect.stringContaining('4096 bytes are kept with a WebSocket, not 4097'),
    }),
  );
});

test('two servers of one name are refused, and so is one without a handler', () => {
  const server = new WebSocketServer({ noServer: true });
  resumable(server, { name: 'twice', resume: () => {} });
  const again = () => resumable(new WebSocketServer({ noServer: true }), { name: 'twice', resume: () => {} });
  expect(again).toThrow(expect.objectContaining({ code: 'ERR_MILLRACE_RESUMABLE_NAME' }));
  const without = () => resumable(server, { name: 'without' } as never);
  expect(without).toThrow(expect.objectContaining({ code: 'ERR_MILLRACE_OPTION' }));
});

import { expect, test } from 'vitest';
import { SessionLink } from '../../src/sockets/session-link.js';
import { SessionSocket } from '../../src/sockets/session-socket.js';
import type { SocketHost } from '../../src/sockets/socket-host.js';

/** A socket over a session that is only read from; `paused` says whether the reactor thread reads on. */
function readSocket() {
  const gateway = {
    paused: false,
    table: { slot: () => 0, taken: () => 0 },
    pause: () => {
      gateway.paused = true;
    },
    resume: () => {
      gateway.paused = false;
    },
    tell: () => {},
    close: () => {},
    sent: [] as string[],
    offer: (_: unknown, bytes: Uint8Array, start: number, end: number) => {
      gateway.sent.push(Buffer.from(bytes.subarray(start, end)).toString('latin1'));
      return 'sent';
    },
  };
  const host = { gateway, gone: () => {} } as unknown as SocketHost;
  const link = new SessionLink(host, 1 as never, 0 as never, false);
  const local = { address: '127.0.0.1', port: 1, family: 'IPv4' } as const;
  const socket = new SessionSocket(link, { remote: '127.0.0.1:2', local, allowHalfOpen: false });
  return { link, socket, gateway };
}

function receive(link: SessionLink, data: Buffer): void {
  link.received(data, 0, data.length);
}

/** What a listener of 'readable' gets that reads once for each event, as programs do; with the turns in which it came. */
function readOnce(socket: SessionSocket) {
  const pieces: string[] = [];
  socket.on('readable', () => {
    const piece = socket.read() as Buffer | null;
    if (piece !== null) pieces.push(String(piece));
  });
  return pieces;
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

test('what comes in one turn is one piece for a listener of readable, which may read once only', async () => {
  const { link, socket } = readSocket();
  const pieces = readOnce(socket);
  for (const text of ['a', 'b', 'c']) receive(link, Buffer.from(text));
  await turn();
  expect(pieces).toEqual(['abc']);
  receive(link, Buffer.from('d'));
  await turn();
  expect([pieces, socket.readableLength]).toEqual([['abc', 'd'], 0]);
});

test('the end of what a client sends comes behind what came in the same turn', async () => {
  const { link, socket } = readSocket();
  const pieces = readOnce(socket);
  const ended = new Promise<void>((resolve) => socket.on('end', resolve));
  receive(link, Buffer.from('last'));
  link.endInput();
  await ended;
  expect(pieces).toEqual(['last']);
});

test('a client is not read from while a listener of readable leaves much unread', async () => {
  const { link, socket, gateway } = readSocket();
  socket.on('readable', () => {});
  for (let i = 0; i < 4; i++) receive(link, Buffer.alloc(socket.readableHighWaterMark));
  await turn();
  expect(gateway.paused).toBe(true);
  while (socket.read() !== null);
  await turn();
  expect(gateway.paused).toBe(false);
});

test('a listener of data has each piece as it comes', async () => {
  const { link, socket } = readSocket();
  const pieces: string[] = [];
  socket.on('data', (piece: Buffer) => pieces.push(String(piece)));
  await turn();
  receive(link, Buffer.from('a'));
  receive(link, Buffer.from('b'));
  expect(pieces).toEqual(['a', 'b']);
});

test('what a reader has kept is read before a client is gone, or sends no more', async () => {
  for (const how of ['gone', 'sends no more'] as const) {
    const { link, socket } = readSocket();
    const seen: string[] = [];
    const over = new Promise<void>((resolve) => socket.on('close', () => resolve()));
    socket.on('end', () => seen.push('end'));
    socket.on('error', () => seen.push('broken off'));
    link.reader = {
      receivedIn: () => {},
      inputEnds: () => {
        link.reader = undefined;
        socket.on('data', (piece: Buffer) => {
          seen.push(String(piece));
          process.nextTick(() => seen.push('a tick'));
        });
        link.deliver(Buffer.from('kept'));
        return true;
      },
    };
    receive(link, Buffer.from('kept'));
    if (how === 'gone') link.closed(true);
    else link.endInput();
    await over;
    expect(seen).toEqual(['kept', 'a tick', how === 'gone' ? 'broken off' : 'end']);
  }
});

test('answers behind one that waits for the end of the turn are sent before they are many', async () => {
  const { link, gateway } = readSocket();
  const memory = Buffer.alloc(10_000);
  link.send('a'.repeat(20_000), 'latin1');
  let most = 0;
  for (const letter of 'bcdefghijklmnopq') {
    link.sendAnswer(memory.fill(letter), memory.length);
    most = Math.max(most, link.bytesWritten - gateway.sent.join('').length);
  }
  await turn();
  expect(most).toBeLessThan(65_536);
  const expected = ['a'.repeat(20_000), ...[...'bcdefghijklmnopq'].map((letter) => letter.repeat(10_000))];
  expect(gateway.sent.join('')).toBe(expected.join(''));
});

import { once } from 'node:events';
import { type Program, until } from '@millrace/testkit';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type ClientOptions, WebSocket } from 'ws';
import { launch } from '../support.js';

/** More than a client's and a server's kernel hold of what is not read. */
const FLOOD = 4_000;

interface Received {
  readonly data: Buffer;
  readonly isBinary: boolean;
}

let program: Program;
let port: string;
beforeAll(async () => {
  program = launch('lean-web-sockets');
  port = (await program.printed(/^listening (\d+)$/m))[1] as string;
});
afterAll(() => program[Symbol.asyncDispose]());

async function open(options: ClientOptions = {}) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { perMessageDeflate: false, ...options });
  onTestFinished(() => socket.terminate());
  const received: Received[] = [];
  socket.on('message', (data, isBinary) => received.push({ data: data as Buffer, isBinary }));
  await once(socket, 'open');
  const all = (count: number) =>
    until(`${count} messages, of which there are ${received.length}`, () => received.length >= count, {
      deadlineMs: 60_000,
    });
  return { socket, received, all };
}

/** Messages of each way to say a length, and of each kind. */
const MESSAGES = [
  '',
  'a',
  'é'.repeat(60),
  'x'.repeat(125),
  'y'.repeat(126),
  'ü'.repeat(9_000),
  'z'.repeat(70_000),
].flatMap((text) => [text, Buffer.from(text)]);

describe("WebSockets of a server that is served by the engine 'lean'", () => {
  for (const perMessageDeflate of [false, true])
    test(`get messages of every length and kind, ${perMessageDeflate ? 'compressed' : 'not compressed'}, in their order`, async () => {
      const { socket, received, all } = await open({ perMessageDeflate });
      socket.send('lean?');
      await all(1);
      expect(String(received[0]?.data)).toBe('true');
      for (const message of MESSAGES) socket.send(message);
      // In pieces, with a ping between two.
      socket.send('one ', { fin: false });
      socket.ping();
      socket.send('message', { fin: true });
      await all(MESSAGES.length + 2);
      expect(received.slice(1, -1).map(({ data, isBinary }) => (isBinary ? data : String(data)))).toEqual(
        MESSAGES,
      );
      expect(String(received.at(-1)?.data)).toBe('one message');
      socket.close(4000, 'bye');
      const [code, reason] = (await once(socket, 'close')) as [number, Buffer];
      expect([code, String(reason)]).toEqual([4000, 'bye']);
    });

  test('tell a program how much waits for a client that does not read, and lose nothing of it', async () => {
    const { socket, received, all } = await open();
    socket.pause();
    socket.send('flood');
    await program.printed(/^waits after \d+$/m);
    socket.resume();
    await all(FLOOD + 1);
    expect(String(received.at(-1)?.data)).toBe(`done ${FLOOD}`);
    expect(
      received.slice(0, -1).every(({ data }, i) => data.length === 8_192 && data[0] === (i & 0xff)),
    ).toBe(true);
  });
});

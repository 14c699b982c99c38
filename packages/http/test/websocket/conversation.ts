import { IncomingMessage } from 'node:http';
import { isDeepStrictEqual } from 'node:util';
import { leanWebSocket } from '@millrace/http';
import { type ServerOptions, type WebSocket, WebSocketServer } from 'ws';
import { HeldSocket } from '../fuzz/connection.js';

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';

/** What a program and its client have had of a conversation. */
export interface Outcome {
  /** What the program has heard, in its order, and what it could read of the WebSocket meanwhile. */
  readonly events: readonly unknown[];
  readonly output: string;
  readonly isEnded: boolean;
}

export interface Manner {
  readonly options?: Omit<ServerOptions, 'noServer'>;
  readonly binaryType?: WebSocket['binaryType'];
  /** What the client offers. */
  readonly deflates?: boolean;
}

/** What the program does with a message. Words are orders, all else comes back as it was. */
function answer(
  webSocket: WebSocket,
  data: WebSocket.RawData,
  isBinary: boolean,
  { note, compress }: Means,
): void {
  const send = (what: unknown, options?: SendOptions) =>
    webSocket.send(what as Buffer, { ...compress, ...options });
  const text = isBinary || Array.isArray(data) ? '' : data.toString();
  switch (text) {
    case 'close':
      return webSocket.close(4001, 'as you like');
    case 'terminate':
      return webSocket.terminate();
    case 'pause':
      webSocket.pause();
      setImmediate(() => webSocket.resume());
      return;
    case 'ping':
      return webSocket.ping('p');
    case 'callback':
      return webSocket.send('called', { ...compress }, (error) => note('sent', error?.message));
    case 'fragments':
      send('one', { fin: false });
      send('two', { fin: false });
      return send('three');
    case 'long':
      send('é'.repeat(20_000));
      return send(Buffer.alloc(70_000, 1));
    case 'blob':
      send(new Blob(['of a blob']));
      return send('behind it');
    case 'kinds':
      send('text as binary', { binary: true });
      send(Buffer.from('binary as text'), { binary: false });
      send(new Uint8Array([1, 2]).buffer);
      send(new Uint16Array([1, 2]));
      send(12);
      return send('not compressed', { compress: false });
    case 'cork': {
      const { _socket: socket } = webSocket as unknown as { readonly _socket: HeldSocket };
      socket.cork();
      send('held');
      return process.nextTick(() => socket.uncork());
    }
    default:
      return send(data, { binary: isBinary });
  }
}

/** What an answer is given by. */
interface Means {
  readonly note: Note;
  readonly compress: SendOptions;
}

type SendOptions = Parameters<WebSocket['send']>[1] & object;

type Note = (...what: readonly unknown[]) => void;

const plainly = (data: WebSocket.RawData): unknown =>
  Array.isArray(data)
    ? data.map((each) => each.toString('latin1'))
    : Buffer.from(data as Buffer).toString('latin1');

/** One conversation of a server of `ws` with a client that sends `pieces`. */
export async function converse(
  pieces: readonly Buffer[],
  isLean: boolean,
  { options, binaryType, deflates = false }: Manner = {},
): Promise<Outcome & { leanMessages: number }> {
  const socket = new HeldSocket({ allowHalfOpen: true });
  const events: unknown[] = [];
  const sent: unknown[] = [];
  const note: Note = (...what) => (what[0] === 'sent' ? sent : events).push(what);
  const server = new WebSocketServer({ ...options, noServer: true });
  let leanMessages = 0;
  // What is to be deflated waits for a thread: when the client is gone before, it depends on that what it has got.
  const compress = deflates && options?.perMessageDeflate ? { compress: false } : {};
  const webSocket = await new Promise<WebSocket>((resolve) =>
    server.handleUpgrade(requestOf(socket, deflates), socket, Buffer.alloc(0), resolve),
  );
  if (binaryType !== undefined) webSocket.binaryType = binaryType;
  if (isLean) {
    const sendFrame = (head: string, payload: string | Uint8Array) => {
      leanMessages++;
      socket.keep(head, 'latin1');
      socket.keep(payload, 'utf8');
    };
    const link = {
      sendFrame,
      get isClear() {
        return socket.writable && socket.writableLength === 0 && socket.writableCorked === 0;
      },
    };
    leanWebSocket(socket, link);
  }
  webSocket.on('message', (data, isBinary) => {
    const { readyState, bufferedAmount, isPaused } = webSocket;
    note('message', plainly(data), isBinary, readyState, isPaused, bufferedAmount);
    answer(webSocket, data, isBinary, { note, compress });
  });
  webSocket.on('ping', (data) => note('ping', plainly(data)));
  webSocket.on('pong', (data) => note('pong', plainly(data)));
  webSocket.on('error', (error) => note('error', error.message, (error as NodeJS.ErrnoException).code));
  webSocket.on('close', (code, reason) => note('close', code, plainly(reason)));
  for (const piece of pieces) {
    if (!socket.destroyed) socket.push(Buffer.from(piece));
    await settled(webSocket, events);
  }
  const isEnded = socket.writableEnded || socket.destroyed;
  if (!socket.destroyed) {
    socket.push(null);
    socket.read(0);
  }
  await settled(webSocket, events);
  note('at last', webSocket.readyState, webSocket.bufferedAmount, server.clients.size, sent);
  const output = socket.output.join('');
  webSocket.terminate();
  return { events, output, isEnded, leanMessages };
}

/** Undefined: `ws` alone and lean have done the same. */
export async function difference(
  pieces: readonly Buffer[],
  manner?: Manner,
): Promise<{ plain: Outcome; lean: Outcome } | undefined> {
  const { leanMessages: _, ...plain } = await converse(pieces, false, manner);
  const { leanMessages, ...lean } = await converse(pieces, true, manner);
  sentLean += leanMessages;
  return isDeepStrictEqual(plain, lean) ? undefined : { plain, lean };
}

/** Messages that were sent by lean so far. */
export let sentLean = 0;

function requestOf(socket: HeldSocket, deflates: boolean): IncomingMessage {
  const request = new IncomingMessage(socket);
  request.method = 'GET';
  request.url = '/';
  Object.assign(request.headers, {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': KEY,
    ...(deflates && { 'sec-websocket-extensions': 'permessage-deflate' }),
  });
  return request;
}

/** Resolves once nothing more happens: when two turns of the loop bring nothing. Inflating and Blobs take a thread of their own. */
async function settled(webSocket: WebSocket, events: readonly unknown[]): Promise<void> {
  const inside = webSocket as unknown as Inside;
  const { _socket: socket } = inside;
  for (let quiet = 0, last = ''; quiet < 3; ) {
    await new Promise((resolve) => setImmediate(resolve));
    while (isBusy(inside)) await new Promise((resolve) => setImmediate(resolve));
    const now = `${socket.output.length} ${events.length} ${socket.destroyed} ${socket.writableLength}`;
    quiet = now === last ? quiet + 1 : 0;
    last = now;
  }
}

/** Whether `ws` inflates, deflates or reads a Blob, and will go on after that. */
function isBusy({ _receiver: receiver, _sender: sender, _socket: socket }: Inside): boolean {
  if (receiver._state === INFLATING && !receiver.destroyed) return true;
  return sender._state > 0 && !socket.destroyed;
}

const INFLATING = 5;

interface Inside {
  readonly _receiver: { readonly _state: number; readonly destroyed: boolean };
  readonly _sender: { readonly _state: number };
  readonly _socket: HeldSocket;
}

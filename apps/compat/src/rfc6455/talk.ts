import { once } from 'node:events';
import { connect } from 'node:net';
import { within } from '@millrace/testkit';
import type { Site } from '../kinds/kind.js';
import { CLOSE, framesOf, toldOf } from './frames.js';

const HEAD_END = '\r\n\r\n';

/** What came of a conversation. */
export interface Talk {
  /** The head of the server's answer, without its first line. */
  readonly extensions: string;
  /** Every byte behind that head, in hexadecimal. */
  readonly bytes: string;
  /** The same in words. */
  readonly told: readonly string[];
}

export interface TalkOptions {
  readonly path: string;
  /** What the client offers by `Sec-WebSocket-Extensions`. */
  readonly extensions?: string | undefined;
  /** Bytes that are written at a time, each in a turn of its own. Default: all. */
  readonly chop?: number;
  /** The client ends its side behind them, and waits for nothing. Default: false. */
  readonly isCut?: boolean | undefined;
}

/**
 * Opens a WebSocket, sends `bytes`, reads until the server has closed, and then ends its own side, as a client that has been told the close
 * of the connection does.
 */
export async function talk(site: Site, bytes: Buffer, options: TalkOptions): Promise<Talk> {
  const { path, extensions, chop = bytes.length, isCut = false } = options;
  const socket = connect({ port: site.port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
  const fields = [
    'Host: localhost',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Version: 13',
    ...(extensions === undefined ? [] : [`Sec-WebSocket-Extensions: ${extensions}`]),
  ];
  socket.write(`GET ${path} HTTP/1.1\r\n${fields.join('\r\n')}${HEAD_END}`);
  let come = Buffer.alloc(0);
  let bodyAt = -1;
  socket.on('data', (data) => {
    come = Buffer.concat([come, data]);
    if (bodyAt < 0 && come.includes(HEAD_END)) bodyAt = come.indexOf(HEAD_END) + HEAD_END.length;
    if (bodyAt >= 0 && hasClosed(come.subarray(bodyAt))) socket.end();
  });
  // A server that gives a client up may reset what it has not read.
  socket.on('error', () => {});
  const closed = once(socket, 'close');
  // Behind the server's close frame nothing more is sent.
  for (let at = 0; at < bytes.length && socket.writable; at += chop) {
    if (!socket.write(bytes.subarray(at, at + chop))) await Promise.race([once(socket, 'drain'), closed]);
    else if (at + chop < bytes.length) await new Promise(setImmediate);
  }
  if (isCut) socket.end();
  await within('the end of the connection', closed);
  const head = come.toString('latin1', 0, Math.max(0, bodyAt));
  const body = come.subarray(Math.max(0, bodyAt));
  return {
    extensions: /^sec-websocket-extensions: *(.*)\r$/im.exec(head)?.[1] ?? '',
    bytes: body.toString('hex'),
    told: toldOf(body),
  };
}

function hasClosed(bytes: Buffer): boolean {
  return framesOf(bytes).frames.some(({ first }) => (first & 0x0f) === CLOSE);
}

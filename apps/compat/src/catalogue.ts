import { HTTP_ANSWERS } from './kinds/http-answers.js';
import { HTTP_CONNECTIONS } from './kinds/http-connections.js';
import { HTTP_STREAMS } from './kinds/http-streams.js';
import { HTTP2 } from './kinds/http2.js';
import type { Kind } from './kinds/kind.js';
import { PORTS, TIMEOUTS } from './kinds/limits.js';
import { MQTT } from './kinds/mqtt.js';
import { NET } from './kinds/net.js';
import { SOCKET_IO, SOCKET_IO_WITHOUT_POLLS } from './kinds/socket-io.js';
import { WEB_SOCKETS } from './kinds/web-sockets.js';

/** A program of `programs/`, and what is asked of it. */
export interface Entry {
  readonly name: string;
  readonly file: string;
  /** What stands behind it. */
  readonly args?: readonly string[];
  /** Port 0 is none for it. */
  readonly needsPort?: boolean;
  /** It ends TLS itself; its clients trust its certificate. */
  readonly tls?: boolean;
  readonly kinds: readonly Kind[];
  /** What is asked to see who reads its requests. Default: `/`. */
  readonly target?: string;
  /** How many workers it has, where not as many as all others. */
  readonly workers?: number;
}

const HTTP: readonly Kind[] = [...HTTP_ANSWERS, ...HTTP_CONNECTIONS, ...HTTP_STREAMS];

/** Every kind of HTTP/1 for which a program needs nothing, or what it has. */
export const http = (...has: readonly string[]) =>
  HTTP.filter(({ needs }) => needs === undefined || has.includes(needs));

const OF_HANDLER = ['compressed', 'trailers', 'early', 'inspect', 'address', 'drain', 'aborted'] as const;

/** There a connection belongs to the worker that has accepted it, whatever it asks for. */
const IS_BASE = process.env.COMPAT_MODE === 'base';

/** Those whose server is one of node:http, of which lean reads what it can. */
const LEAN = new Set([
  'node:http',
  'Express',
  'Fastify',
  'Hono',
  'Koa',
  'ws',
  'Socket.IO',
  'a program with its own times',
  'a program with three servers',
]);

const ALL: readonly Entry[] = [
  { name: 'node:http', file: 'node-http.js', kinds: http(...OF_HANDLER, 'refuse') },
  { name: 'node:https', file: 'node-https.js', tls: true, kinds: http(...OF_HANDLER) },
  { name: 'node:http2 by ALPN', file: 'node-http2.js', tls: true, kinds: [...HTTP2, ...http(...OF_HANDLER)] },
  { name: 'node:http2 without TLS', file: 'node-h2c.js', kinds: HTTP2 },
  { name: 'Express', file: 'express.cjs', kinds: http('static', 'compressed', 'error', 'json', 'aborted') },
  { name: 'Fastify', file: 'fastify.js', kinds: http('error', 'json', 'aborted') },
  { name: 'Hono', file: 'hono.js', kinds: http('static', 'compressed', 'error', 'json', 'aborted') },
  { name: 'Koa', file: 'koa.js', kinds: http('error', 'aborted') },
  { name: 'ws', file: 'ws.js', kinds: WEB_SOCKETS },
  {
    name: 'Socket.IO',
    file: 'socket-io.js',
    kinds: IS_BASE ? SOCKET_IO_WITHOUT_POLLS : SOCKET_IO,
    target: '/socket.io/?EIO=4&transport=polling',
  },
  { name: 'Socket.IO in one worker', file: 'socket-io.js', kinds: SOCKET_IO, workers: 1 },
  { name: 'aedes', file: 'aedes.js', kinds: MQTT },
  { name: 'node:net', file: 'net-echo.js', kinds: NET },
  { name: 'a program with its own times', file: 'node-timeouts.js', kinds: TIMEOUTS },
  { name: 'a program with three servers', file: 'node-ports.js', kinds: PORTS },
];

/** Every program, and every kind of request that is run against it. */
export const CATALOGUE = process.env.COMPAT_START === 'lean' ? ALL.filter(({ name }) => LEAN.has(name)) : ALL;

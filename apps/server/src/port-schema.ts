import { isIP } from 'node:net';
import { pathToFileURL } from 'node:url';
import { lengthTypes } from '@millrace/reactor';
import * as z from 'zod';
import { BACKLOG } from './constants.js';
import { TLS_OPTION_NAMES, tlsSchema } from './tls-schema.js';

export const count = (min: number, max: number) => z.number().int().min(min).max(max);
export const MAX_MS = 2 ** 31 - 1;
export const MAX_BYTES = 2 ** 30;

/** A module's place, as the URL that threads import. */
export const moduleUrl = z
  .union([z.string().min(1), z.instanceof(URL)])
  .transform((at) => (at instanceof URL || /^(file|data):/.test(at) ? String(at) : pathToFileURL(at).href));

const framing = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('none') }),
  z.strictObject({
    kind: z.literal('eof'),
    delimiter: z
      .union([z.string(), z.instanceof(Uint8Array)])
      .refine((bytes) => bytes.length > 0 && Buffer.from(bytes as Uint8Array).length <= 8, {
        error: '1 to 8 bytes',
      })
      .optional(),
    includeDelimiter: z.boolean().optional(),
    split: z.boolean().optional(),
  }),
  z.strictObject({
    kind: z.literal('length'),
    type: z.enum(lengthTypes).optional(),
    offset: count(0, 8_192).optional(),
    bodyOffset: count(0, MAX_BYTES).optional(),
  }),
  z.strictObject({ kind: z.literal('function'), module: moduleUrl }),
]);

const keepAlive = z.union([
  z.boolean(),
  z.strictObject({
    idle: count(1, 32_767).optional(),
    interval: count(1, 32_767).optional(),
    count: count(1, 127).optional(),
  }),
]);

/** The options of a listener. */
export const portShape = {
  type: z.enum(['stream', 'datagram']).default('stream'),
  host: z
    .string()
    .refine((host) => isIP(host) !== 0, { error: 'an IPv4 or IPv6 address (resolve a host name first)' })
    .default('127.0.0.1'),
  port: count(0, 65_535).optional(),
  path: z
    .string()
    .refine((path) => path.length > 0 && Buffer.byteLength(path) < 108, { error: '1 to 107 bytes' })
    .optional(),
  fd: count(3, MAX_MS).optional(),
  activation: z.string().min(1).optional(),
  fileMode: count(0, 0o777).optional(),
  tls: tlsSchema.optional(),
  framing: framing.default({ kind: 'none' }),
  packageMaxLength: count(1, MAX_BYTES).default(2 << 20),
  socketBufferSize: count(1, MAX_BYTES).default(8 << 20),
  bufferHighWatermark: count(0, MAX_BYTES).optional(),
  bufferLowWatermark: count(0, MAX_BYTES).default(0),
  backlog: count(1, 65_535).default(BACKLOG),
  noDelay: z.boolean().default(true),
  keepAlive: keepAlive.default(false),
  deferAccept: count(0, 3_600).default(0),
  fastOpen: count(0, 65_535).default(0),
  userTimeout: count(0, MAX_MS).default(0),
  reusePort: z.boolean().default(false),
  receiveBufferSize: count(1, MAX_BYTES).optional(),
  sendBufferSize: count(1, MAX_BYTES).optional(),
  heartbeatIdleTime: count(0, MAX_MS).optional(),
  maxIdleTime: count(0, MAX_MS).default(0),
};

/** The names within options that are objects. */
export const NESTED: Readonly<Record<string, string[]>> = {
  framing: ['kind', 'delimiter', 'includeDelimiter', 'split', 'type', 'offset', 'bodyOffset', 'module'],
  keepAlive: ['idle', 'interval', 'count'],
  tls: TLS_OPTION_NAMES,
};

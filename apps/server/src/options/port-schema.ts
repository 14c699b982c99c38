import { isIP } from 'node:net';
import { type Bytes, otherBytes } from '@millrace/channel';
import { lengthTypes } from '@millrace/reactor';
import * as v from 'valibot';
import { BACKLOG } from '../constants.js';
import { given } from './given.js';
import type { PortOptions } from './port-options.js';
import {
  count,
  filledText,
  flag,
  MAX_BYTES,
  MAX_MS,
  moduleUrl,
  oneOf,
  type ShapeOf,
  text,
} from './schema-parts.js';
import { TLS_OPTION_NAMES, tlsSchema } from './tls-schema.js';

const DELIMITER = '1 to 8 bytes';

const FRAMINGS =
  "an object, as { kind: 'none' }, { kind: 'eof', delimiter: '\\n' }, { kind: 'length' } or { kind: 'function', module }";

/** The discriminator's values, for the message about another. */
export const FRAMING_KINDS = "one of 'none', 'eof', 'length' and 'function'";

const framingKinds = v.variant(
  'kind',
  [
    v.strictObject({ kind: v.literal('none') }),
    v.strictObject({
      kind: v.literal('eof'),
      delimiter: v.optional(
        v.custom<string | Bytes>((bytes) => {
          const given = typeof bytes === 'string' ? Buffer.from(bytes) : otherBytes(bytes);
          return given !== undefined && given.length > 0 && given.length <= 8;
        }, DELIMITER),
      ),
      includeDelimiter: v.optional(flag),
      split: v.optional(flag),
    }),
    v.strictObject({
      kind: v.literal('length'),
      type: v.optional(oneOf(lengthTypes)),
      offset: v.optional(count(0, 8_192)),
      bodyOffset: v.optional(count(0, MAX_BYTES)),
    }),
    v.strictObject({ kind: v.literal('function'), module: moduleUrl }),
  ],
  FRAMINGS,
);

/** How the stream is cut; threads pass it on to a framer, which takes no undefined for what is not given. */
const framing = v.pipe(framingKinds, v.transform(given));

const keepAliveTimes = v.strictObject({
  idle: v.optional(count(1, 32_767)),
  interval: v.optional(count(1, 32_767)),
  count: v.optional(count(1, 127)),
});
const keepAliveOptions = v.pipe(keepAliveTimes, v.transform(given));
/** Not a union, whose error would be of neither. */
const keepAlive = v.lazy((value) => (typeof value === 'object' ? keepAliveOptions : flag));

/** Defaults that hold where no option of that name is. */
export const portDefaults = { packageMaxLength: 2 << 20 } as const;

/** What each option of a listener takes, and its default. port-options.ts says what it means. */
export const portShape = {
  type: v.optional(oneOf(['stream', 'datagram']), 'stream'),
  host: v.optional(
    v.pipe(
      text,
      v.check((host) => isIP(host) !== 0, 'an IPv4 or IPv6 address (resolve a host name first)'),
    ),
    '127.0.0.1',
  ),
  port: v.optional(count(0, 65_535)),
  path: v.optional(
    v.pipe(
      text,
      v.check((path) => path.length > 0 && Buffer.byteLength(path) < 108, '1 to 107 bytes'),
      // One in front is a name of the abstract namespace.
      v.check((path) => path.lastIndexOf('\0') <= 0, 'a path without a NUL behind its first byte'),
    ),
  ),
  fd: v.optional(count(3, MAX_MS)),
  activation: v.optional(filledText),
  permissions: v.optional(count(0, 0o777)),
  tls: v.optional(tlsSchema),
  framing: v.optional(framing, { kind: 'none' }),
  packageMaxLength: v.optional(count(1, MAX_BYTES), portDefaults.packageMaxLength),
  socketBufferSize: v.optional(count(1, MAX_BYTES), 8 << 20),
  bufferHighWatermark: v.optional(count(0, MAX_BYTES)),
  bufferLowWatermark: v.optional(count(0, MAX_BYTES), 0),
  backlog: v.optional(count(1, 65_535), BACKLOG),
  noDelay: v.optional(flag, true),
  keepAlive: v.optional(keepAlive, false),
  deferAccept: v.optional(count(0, 3_600), 0),
  fastOpen: v.optional(count(0, 65_535), 0),
  userTimeout: v.optional(count(0, MAX_MS), 0),
  reusePort: v.optional(flag, false),
  receiveBufferSize: v.optional(count(1, MAX_BYTES)),
  sendBufferSize: v.optional(count(1, MAX_BYTES)),
  heartbeatIdleTime: v.optional(count(0, MAX_MS)),
  maxIdleTime: v.optional(count(0, MAX_MS), 0),
} satisfies ShapeOf<PortOptions>;

export const portSchema = v.strictObject(portShape);

/** The names within options that are objects. */
export const NESTED: Readonly<Record<string, string[]>> = {
  framing: ['kind', 'delimiter', 'includeDelimiter', 'split', 'type', 'offset', 'bodyOffset', 'module'],
  keepAlive: ['idle', 'interval', 'count'],
  tls: TLS_OPTION_NAMES,
};

import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as v from 'valibot';
import { isPem } from '../contract/program-tls.js';
import { given } from './given.js';
import { duration, filledText, flag, oneOf, type ShapeOf, text } from './schema-parts.js';
import { type ResolvedPem, TLS_VERSIONS, type TlsIdentity, type TlsOptions } from './tls-options.js';

const bytes = v.custom<Uint8Array>((value) => value instanceof Uint8Array);

const pem = v.pipe(
  v.union([filledText, v.instance(URL), bytes], 'PEM, or the path of a file that holds it'),
  v.transform((value): ResolvedPem => {
    if (value instanceof URL) return { path: fileURLToPath(value) };
    const read = typeof value === 'string' ? value : Buffer.from(value).toString('latin1');
    return typeof value !== 'string' || isPem(read) ? { text: read } : { path: resolve(read) };
  }),
);
const onePem = v.pipe(
  pem,
  v.transform((one) => [one]),
);
/** One or several. */
const pems = v.lazy((value) => (Array.isArray(value) ? v.array(pem) : onePem));

const identityShape = { key: pem, cert: pem, passphrase: v.optional(text) } satisfies ShapeOf<TlsIdentity>;
const identity = v.pipe(v.strictObject(identityShape), v.transform(given));
export type ResolvedIdentity = v.InferOutput<typeof identity>;

const protocolName = v.pipe(
  text,
  v.check((name) => name.length > 0 && Buffer.byteLength(name) < 256, '1 to 255 bytes'),
);

export const tlsShape = {
  ...identityShape,
  sni: v.optional(v.record(filledText, identity), {}),
  ca: v.optional(pems),
  crl: v.optional(pems),
  requestCert: v.optional(flag, false),
  rejectUnauthorized: v.optional(flag, true),
  minVersion: v.optional(oneOf(TLS_VERSIONS), 'TLSv1.2'),
  maxVersion: v.optional(oneOf(TLS_VERSIONS), 'TLSv1.3'),
  ciphers: v.optional(filledText),
  honorCipherOrder: v.optional(flag, true),
  ecdhCurve: v.optional(filledText),
  alpnProtocols: v.optional(v.pipe(v.array(protocolName), v.nonEmpty('one or more names'))),
  handshakeTimeout: v.optional(duration, 10_000),
} satisfies ShapeOf<TlsOptions>;

/** What the options of `tls` take, and their defaults. tls-options.ts says what they mean. */
export const tlsSchema = v.pipe(
  v.strictObject(tlsShape),
  // Of the one, not of the whole, in which keys are.
  v.forward(
    v.check(({ minVersion, maxVersion }) => minVersion <= maxVersion, "at most 'maxVersion'"),
    ['minVersion'],
  ),
  v.transform(given),
);

/** TLS options with their defaults; threads are handed it, so there is nothing in it that cannot be copied. */
export type ResolvedTls = v.InferOutput<typeof tlsSchema>;

export const TLS_OPTION_NAMES = Object.keys(tlsShape);

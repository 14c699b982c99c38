import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { isPem, type ResolvedPem, TLS_VERSIONS } from './tls-options.js';

const pem = z
  .union([z.string().min(1), z.instanceof(URL), z.instanceof(Uint8Array)], {
    error: 'PEM, or the path of a file that holds it',
  })
  .transform((value): ResolvedPem => {
    if (value instanceof URL) return { path: fileURLToPath(value) };
    const text = typeof value === 'string' ? value : Buffer.from(value).toString('latin1');
    return typeof value !== 'string' || isPem(text) ? { text } : { path: resolve(text) };
  });
/** One or several. */
const pems = z.union([pem.transform((one) => [one]), z.array(pem)]);

const identityShape = { key: pem, cert: pem, passphrase: z.string().optional() };

const tlsShape = {
  ...identityShape,
  sni: z.record(z.string().min(1), z.strictObject(identityShape)).default({}),
  ca: pems.optional(),
  crl: pems.optional(),
  requestCert: z.boolean().default(false),
  rejectUnauthorized: z.boolean().default(true),
  minVersion: z.enum(TLS_VERSIONS).default('TLSv1.2'),
  maxVersion: z.enum(TLS_VERSIONS).default('TLSv1.3'),
  ciphers: z.string().min(1).optional(),
  honorCipherOrder: z.boolean().default(true),
  ecdhCurve: z.string().min(1).optional(),
  alpnProtocols: z
    .array(
      z
        .string()
        .refine((name) => name.length > 0 && Buffer.byteLength(name) < 256, { error: '1 to 255 bytes' }),
    )
    .nonempty()
    .optional(),
  handshakeTimeout: z
    .number()
    .int()
    .min(1)
    .max(2 ** 31 - 1)
    .default(10_000),
};

/** The options of `tls`, of a listener. */
export const tlsSchema = z
  .strictObject(tlsShape)
  .refine(({ minVersion, maxVersion }) => minVersion <= maxVersion, {
    error: 'minVersion is above maxVersion',
  });

export const TLS_OPTION_NAMES = Object.keys(tlsShape);

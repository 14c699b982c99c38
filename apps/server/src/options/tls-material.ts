import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import type { TlsAcceptorOptions } from '@millrace/reactor';
import { isPem } from '../contract/program-tls.js';
import { ServerError } from '../errors.js';
import { type ResolvedPort, showPort } from './resolved-port.js';
import type { ResolvedPem } from './tls-options.js';
import type { ResolvedIdentity, ResolvedTls } from './tls-schema.js';

const TICKET_KEY_BYTES = 48;

/**
 * What reactor threads do the handshakes of a listener with. Reads the files, and has OpenSSL look at all of it. Throws
 * `ERR_MILLRACE_TLS`, which names the listener, the option and the file.
 */
export function loadTls(port: ResolvedPort, tls: ResolvedTls): TlsAcceptorOptions {
  const where = `of ${showPort(port)}`;
  const { requestCert, rejectUnauthorized, alpnProtocols, handshakeTimeout } = tls;
  const shared: SecureContextOptions = {
    ...(tls.ca && { ca: tls.ca.map((pem) => load(pem, `tls.ca ${where}`)) }),
    ...(tls.crl && { crl: tls.crl.map((pem) => load(pem, `tls.crl ${where}`)) }),
    ...(tls.ciphers && { ciphers: tls.ciphers }),
    ...(tls.ecdhCurve && { ecdhCurve: tls.ecdhCurve }),
    minVersion: tls.minVersion,
    maxVersion: tls.maxVersion,
    honorCipherOrder: tls.honorCipherOrder,
  };
  const identity = (name: string, own: ResolvedIdentity) => loadIdentity(name, where, own, shared);
  const sni: Record<string, SecureContextOptions> = {};
  for (const [host, own] of Object.entries(tls.sni)) sni[host] = identity(`tls.sni.${host}`, own);
  return {
    ...identity('tls', tls),
    sni,
    requestCert,
    rejectUnauthorized,
    ...(alpnProtocols && { ALPNProtocols: [...alpnProtocols] }),
    handshakeTimeout,
    // All threads of a listener resume each other's sessions.
    ticketKeys: randomBytes(TICKET_KEY_BYTES),
  };
}

/** One certificate with its key, checked by itself, so that the error can say which it is. */
function loadIdentity(
  name: string,
  where: string,
  { key, cert, passphrase }: ResolvedIdentity,
  shared: SecureContextOptions,
): SecureContextOptions {
  const options: SecureContextOptions = {
    key: load(key, `${name}.key ${where}`),
    cert: load(cert, `${name}.cert ${where}`),
    ...(passphrase !== undefined && { passphrase }),
    ...shared,
  };
  try {
    createSecureContext(options);
  } catch (cause) {
    const { message, reason } = cause as Error & { reason?: string };
    const from = `${show('key', key)}, ${show('cert', cert)}`;
    throw failed(`OpenSSL does not take '${name}' ${where} (${from}): ${reason ?? message}.`, cause);
  }
  return options;
}

function load(pem: ResolvedPem, option: string): string {
  if ('text' in pem) return pem.text;
  let text: string;
  try {
    text = readFileSync(pem.path, 'latin1');
  } catch (cause) {
    throw failed(`The file of '${option}' cannot be read: ${(cause as Error).message}.`, cause);
  }
  if (isPem(text)) return text;
  throw failed(`The file of '${option}' is not PEM: ${pem.path} has no line '-----BEGIN …'.`);
}

function show(name: string, pem: ResolvedPem): string {
  return `${name} ${'path' in pem ? pem.path : 'given as text'}`;
}

function failed(message: string, cause?: unknown): ServerError {
  return new ServerError('ERR_MILLRACE_TLS', message, { cause });
}

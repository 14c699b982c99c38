import { createPrivateKey } from 'node:crypto';
import type { Server as NetServer } from 'node:net';
import type { ProgramTls } from '../contract/program-tls.js';
import {
  type Pem,
  TLS_VERSIONS,
  type TlsIdentity,
  type TlsOptions,
  type TlsVersion,
} from '../options/tls-options.js';
import { addedNames, isOnePem } from './added-contexts.js';
import { isHttpServer, isTlsServer } from './server-kinds.js';

/** What a server of node:tls keeps of its options, beyond its types. */
interface KeptOptions {
  readonly key?: unknown;
  readonly cert?: unknown;
  readonly ca?: unknown;
  readonly ALPNProtocols?: unknown;
  readonly passphrase?: string;
  readonly ciphers?: string;
  readonly ecdhCurve?: string;
  readonly minVersion?: string;
  readonly maxVersion?: string;
}

/** With one of these TLS is more than the options of a listener say. */
const OF_NODE_ALONE = [
  'pfx',
  'crl',
  'sigalgs',
  'dhparam',
  'secureProtocol',
  'clientCertEngine',
  'privateKeyIdentifier',
  'privateKeyEngine',
  'ALPNCallback',
  'secureOptions',
  '_SNICallback',
  '_pskCallback',
] as const;

/** Who hears of these takes part in handshakes. */
const HANDSHAKE_EVENTS = ['newSession', 'resumeSession', 'OCSPRequest', 'keylog'] as const;

/**
 * The TLS of a server of node:https, where a reactor can end it: then requests are cut, and connections outlive the worker.
 * Undefined where the server says what options of a listener cannot: clients' certificates, several keys for one name, callbacks. Then TLS ends
 * in the worker.
 */
export function reactorTlsOf(server: NetServer): TlsOptions | undefined {
  if (!isHttpServer(server) || !isTlsServer(server)) return undefined;
  const kept = server as unknown as KeptOptions & Readonly<Record<string, unknown>>;
  const { key, cert, passphrase, ciphers, ecdhCurve, minVersion, maxVersion, ALPNProtocols } = kept;
  if (!isOnePem(key) || !isOnePem(cert)) return undefined;
  // Without certificates of clients these are to complete the chain of the own one.
  const ca = kept.ca === undefined ? undefined : [kept.ca].flat();
  if (ca !== undefined && !ca.every(isOnePem)) return undefined;
  if (!isVersion(minVersion) || !isVersion(maxVersion)) return undefined;
  if (!(ALPNProtocols instanceof Uint8Array && HTTP_1.equals(ALPNProtocols))) return undefined;
  const sni = addedNames(server);
  if (kept.requestCert === true || sni === undefined) return undefined;
  if (OF_NODE_ALONE.some((name) => kept[name] !== undefined && kept[name] !== null)) return undefined;
  if (HANDSHAKE_EVENTS.some((event) => server.listenerCount(event) > 0)) return undefined;
  return {
    key,
    cert,
    ...(Object.keys(sni).length > 0 && { sni }),
    ...(ca !== undefined && { ca }),
    alpnProtocols: ['http/1.1'],
    ...(passphrase !== undefined && { passphrase }),
    ...(ciphers !== undefined && { ciphers }),
    ...(ecdhCurve !== undefined && ecdhCurve !== 'auto' && { ecdhCurve }),
    ...(minVersion !== undefined && { minVersion }),
    ...(maxVersion !== undefined && { maxVersion }),
  };
}

/** The same as text alone: for a server whose `listen` another process answers. */
export function programTlsOf(server: NetServer): ProgramTls | undefined {
  const tls = reactorTlsOf(server);
  if (tls === undefined) return undefined;
  const { ca, ciphers, ecdhCurve, minVersion, maxVersion, sni } = tls;
  return {
    ...identityOf(tls),
    ...(sni !== undefined && {
      sni: Object.fromEntries(Object.entries(sni).map(([name, own]) => [name, identityOf(own)])),
    }),
    ...(ca !== undefined && { ca: [ca].flat().map(textOf) }),
    ciphers,
    ecdhCurve,
    minVersion,
    maxVersion,
  };
}

/** With a key that is not encrypted. */
function identityOf({ key, cert, passphrase }: TlsIdentity): { readonly key: string; readonly cert: string } {
  const text = textOf(key);
  if (passphrase === undefined) return { key: text, cert: textOf(cert) };
  const plain = createPrivateKey({ key: text, passphrase }).export({ type: 'pkcs8', format: 'pem' });
  return { key: String(plain), cert: textOf(cert) };
}

function textOf(pem: Pem): string {
  return pem instanceof Uint8Array ? Buffer.from(pem).toString('latin1') : String(pem);
}

function isVersion(value: string | undefined): value is TlsVersion | undefined {
  return value === undefined || (TLS_VERSIONS as readonly string[]).includes(value);
}

/** What https offers by ALPN where it is told nothing, as it goes over the wire. */
const HTTP_1 = Buffer.from('\x08http/1.1');

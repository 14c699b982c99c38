import { isDeepStrictEqual } from 'node:util';
import type { TlsAcceptorOptions } from '@millrace/reactor';
import type { ListenerIndex, WorkerId } from '../contract/ids.js';
import type { ProgramNames, ProgramTls } from '../contract/program-tls.js';
import { type ResolvedOptions, resolvePort } from '../options/resolve-options.js';
import type { ResolvedPort } from '../options/resolved-port.js';
import { loadTls } from '../options/tls-material.js';
import type { TlsVersion } from '../options/tls-options.js';

interface Said {
  readonly tls: ProgramTls;
  readonly loaded: TlsAcceptorOptions;
  /** What each worker has said last of other names: a program may learn of one in one of them alone. */
  readonly names: ReadonlyMap<WorkerId, ProgramNames>;
}

/**
 * Keys and certificates of all listeners: those that options name, and those that servers of the program have said, which may say
 * others at any time.
 */
export class ListenerTls {
  readonly #ports: readonly ResolvedPort[];
  readonly #options: ResolvedOptions;
  readonly #said = new Map<ListenerIndex, Said>();
  #named: readonly (TlsAcceptorOptions | undefined)[] = [];

  constructor(ports: readonly ResolvedPort[], options: ResolvedOptions) {
    this.#ports = ports;
    this.#options = options;
  }

  /** By listener. */
  get all(): readonly (TlsAcceptorOptions | undefined)[] {
    return this.#ports.map(
      (_, index) => this.#said.get(index as ListenerIndex)?.loaded ?? this.#named[index],
    );
  }

  /** Reads the files that options name. Throws `ERR_MILLRACE_TLS`; then all stays as it is. */
  read(): void {
    this.#named = this.#ports.map((port) => port.tls && loadTls(port, port.tls));
  }

  /**
   * A server of the program, in that worker, says what that listener is to have from now on. Returns false where it has that already. Throws
   * `ERR_MILLRACE_TLS` or `ERR_MILLRACE_OPTION`; then all stays as it is.
   */
  say(listener: ListenerIndex, { sni = {}, ...said }: ProgramTls, worker: WorkerId): boolean {
    const before = this.#said.get(listener);
    const names = new Map(before?.names);
    // Its own word is the last one.
    names.delete(worker);
    names.set(worker, sni);
    const tls = { ...said, sni: Object.assign({}, ...names.values()) as ProgramNames };
    if (before !== undefined && isDeepStrictEqual(before.tls, tls)) {
      this.#said.set(listener, { ...before, names });
      return false;
    }
    const { ca, ciphers, ecdhCurve, minVersion, maxVersion } = tls;
    const { tls: resolved } = resolvePort(
      {
        port: 0,
        tls: {
          // As bytes: text may be a path, and files are not for the program to name here.
          key: Buffer.from(tls.key),
          cert: Buffer.from(tls.cert),
          sni: Object.fromEntries(
            Object.entries(tls.sni).map(([name, { key, cert }]) => [
              name,
              { key: Buffer.from(key), cert: Buffer.from(cert) },
            ]),
          ),
          alpnProtocols: ['http/1.1'],
          ...(ca && { ca: ca.map((pem) => Buffer.from(pem)) }),
          ...(ciphers && { ciphers }),
          ...(ecdhCurve && { ecdhCurve }),
          ...(minVersion && { minVersion: minVersion as TlsVersion }),
          ...(maxVersion && { maxVersion: maxVersion as TlsVersion }),
        },
      },
      this.#options,
    );
    if (resolved === undefined) return false;
    const loaded = loadTls(this.#ports[listener] as ResolvedPort, resolved);
    this.#said.set(listener, { tls, loaded, names });
    return true;
  }

  /** Nothing listens there any more. */
  forget(listener: ListenerIndex): void {
    this.#said.delete(listener);
  }
}

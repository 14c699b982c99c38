import type { Server as NetServer } from 'node:net';
import { Server as TlsServer } from 'node:tls';
import { isPem } from '../contract/program-tls.js';
import type { Pem } from '../options/tls-options.js';

/** A certificate by the name that clients ask for, and its key, as a program has said them. */
export interface NamedIdentity {
  readonly key: Pem;
  readonly cert: Pem;
  readonly passphrase?: string;
}

type Added = readonly [name: unknown, context: unknown];

/** What a reactor thread is given with every change. */
const MAX_NAMES = 256;

/** What was said by `addContext`, in that order: a server itself keeps what OpenSSL has made of it alone. */
const added = new WeakMap<object, Added[]>();
let isNoted = false;

/** From here on `addContext` of every server is noted, also before it listens. For processes that run a program unchanged. */
export function noteAddedContexts(): void {
  if (isNoted) return;
  isNoted = true;
  const { prototype } = TlsServer;
  const { addContext } = prototype;
  prototype.addContext = function (this: TlsServer, ...args) {
    addContext.apply(this, args);
    note(this, args);
  };
}

/** `addContext` of that server has been called, which another way has seen that. */
export function noteAddedContext(server: object, args: readonly unknown[]): void {
  if (!isNoted) note(server, args);
}

function note(server: object, [name, context]: readonly unknown[]): void {
  const all = added.get(server);
  if (all === undefined) added.set(server, [[name, context]]);
  else all.push([name, context]);
}

/** Certificates by name; undefined: some were added unseen, or say what is none for a reactor thread. */
export function addedNames(server: NetServer): Readonly<Record<string, NamedIdentity>> | undefined {
  const all = added.get(server) ?? [];
  if (all.length !== contextsOf(server) || all.length > MAX_NAMES) return undefined;
  const names = new Map<string, NamedIdentity>();
  for (const [name, context] of all) {
    const identity = identityOf(context);
    if (typeof name !== 'string' || identity === undefined) return undefined;
    // Of Node the last one counts that fits; where a whole name is among the others, of a reactor that one.
    if (name.includes('*')) {
      const pattern = patternOf(name);
      for (const other of names.keys()) if (pattern.test(other)) names.delete(other);
    }
    names.delete(name);
    names.set(name, identity);
  }
  return Object.fromEntries(names);
}

function contextsOf(server: object): number {
  return (server as { readonly _contexts?: readonly unknown[] })._contexts?.length ?? 0;
}

/** Where there is nothing else in it than one key and one certificate. */
function identityOf(context: unknown): NamedIdentity | undefined {
  if (typeof context !== 'object' || context === null) return undefined;
  const { key, cert, passphrase, ...others } = context as Readonly<Record<string, unknown>>;
  if (!isOnePem(key) || !isOnePem(cert)) return undefined;
  if (passphrase !== undefined && typeof passphrase !== 'string') return undefined;
  if (Object.values(others).some((value) => value !== undefined && value !== null)) return undefined;
  return { key, cert, ...(passphrase !== undefined && { passphrase }) };
}

/** PEM in full: text or bytes, and one of it. */
export function isOnePem(value: unknown): value is string | Uint8Array {
  return value instanceof Uint8Array || (typeof value === 'string' && isPem(value));
}

/** As Node takes a name with `*`. */
function patternOf(name: string): RegExp {
  return new RegExp(`^${name.replace(/[.^$+?\-\\[\]{}]/g, '\\$&').replaceAll('*', '[^.]*')}$`);
}

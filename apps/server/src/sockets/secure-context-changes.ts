import type { Server as NetServer } from 'node:net';
import { noteAddedContext } from './added-contexts.js';

type Method = (this: NetServer, ...args: unknown[]) => unknown;

interface TlsServer {
  setSecureContext: Method;
  addContext: Method;
}

const METHODS = ['setSecureContext', 'addContext'] as const;

/**
 * Calls `changed` after the program has changed the keys and certificates of a server, once for all that it changes in one turn. Returns
 * what ends that.
 */
export function watchSecureContext(server: NetServer, changed: () => void): () => void {
  const target = server as unknown as Partial<TlsServer>;
  let isSoon = false;
  const changedSoon = () => {
    if (isSoon) return;
    isSoon = true;
    setImmediate(() => {
      isSoon = false;
      changed();
    });
  };
  for (const name of METHODS) {
    const native = target[name];
    if (native === undefined) continue;
    target[name] = function (...args) {
      const result = native.apply(this, args);
      if (name === 'addContext') noteAddedContext(server, args);
      changedSoon();
      return result;
    };
  }
  return () => {
    // Own properties, over those of the prototype.
    for (const name of METHODS) delete target[name];
  };
}

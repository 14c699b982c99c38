import { deserialize, serialize } from 'node:v8';
import { MappedMemory } from '@millrace/native';
import type { TlsAcceptorOptions } from '@millrace/reactor';
import { ServerError } from '../errors.js';
import * as layout from './keys-layout.js';

/** Keys and certificates by listener; undefined where it has no TLS. */
export type Keys = readonly (TlsAcceptorOptions | undefined)[];

/**
 * Tells the workers of base mode other keys and certificates; `fd` is the memory for that. Only the master does.
 * Throws `ERR_MILLRACE_TLS` when there is no room for them; then nothing is changed.
 */
export function writeKeys(fd: number, keys: Keys): void {
  const text = serialize(keys);
  const limit = layout.HALF_BYTES - layout.TEXT_AT;
  if (text.length > limit) {
    const message = `The keys and certificates of all listeners take ${text.length} bytes; in base mode they have ${limit}.`;
    throw new ServerError('ERR_MILLRACE_TLS', `${message} Leave out of 'ca' and 'sni' what no client needs.`);
  }
  withMemory(fd, (words, bytes) => {
    const version = Atomics.load(words, layout.VERSION_WORD) + 1;
    const at = layout.halfAt(version);
    words[at / 4] = text.length;
    bytes.set(text, at + layout.TEXT_AT);
    // Publishes the half; pairs with the load and the exchange in `readKeys`.
    Atomics.store(words, layout.VERSION_WORD, version);
  });
}

/** What was written last, as a copy. */
export function readKeys(fd: number): Keys {
  return withMemory(fd, (words, bytes) => {
    for (;;) {
      const version = Atomics.load(words, layout.VERSION_WORD);
      const at = layout.halfAt(version);
      const start = at + layout.TEXT_AT;
      const text = Buffer.from(bytes.subarray(start, start + (words[at / 4] as number)));
      // An exchange, for no load above may come after it: the same version means that the half is whole.
      if (Atomics.add(words, layout.VERSION_WORD, 0) === version) return deserialize(text);
    }
  });
}

function withMemory<T>(fd: number, use: (words: Int32Array, bytes: Buffer) => T): T {
  // Mapped for a moment only: key material is not to lie about in every process.
  const memory = new MappedMemory(fd, layout.KEYS_BYTES);
  try {
    return use(new Int32Array(memory.buffer), Buffer.from(memory.buffer));
  } finally {
    memory.close();
  }
}

import { createHash } from 'node:crypto';
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
    const version = (Atomics.load(words, layout.VERSION_WORD) + 1) | 0;
    const at = layout.halfAt(version);
    words[at / 4] = text.length;
    bytes.set(digestOf(text), at + layout.DIGEST_AT);
    bytes.set(text, at + layout.TEXT_AT);
    // Publishes the half; pairs with the load and the exchange in `readKeys`.
    Atomics.store(words, layout.VERSION_WORD, version);
  });
}

/**
 * What was written last, as a copy. Every worker maps that memory and may have written over it: then this throws
 * `ERR_MILLRACE_TLS`, and the master writes it anew as soon as it sees that.
 */
export function readKeys(fd: number): Keys {
  const text = withMemory(fd, (words, bytes) => {
    for (let tries = 0; tries < TRIES; tries++) {
      const version = Atomics.load(words, layout.VERSION_WORD);
      const found = textAt(words, bytes, layout.halfAt(version));
      // An exchange, for no load above may come after it: the same version means that the half is whole.
      if (Atomics.add(words, layout.VERSION_WORD, 0) === version) return found;
    }
    return undefined;
  });
  if (text === undefined)
    throw new ServerError(
      'ERR_MILLRACE_TLS',
      'The keys and certificates in memory are not what the master has written: a process of this server has written over them.',
    );
  return deserialize(text);
}

/** Whether these are what lies there. */
export function hasKeys(fd: number, keys: Keys): boolean {
  const text = serialize(keys);
  return withMemory(fd, (words, bytes) => {
    const at = layout.halfAt(Atomics.load(words, layout.VERSION_WORD));
    return textAt(words, bytes, at)?.equals(text) ?? false;
  });
}

/** Tries to read a half that stays as it is: the master writes seldom. */
const TRIES = 1_000;

const digestOf = (text: Buffer) => createHash('sha256').update(text).digest();

/** The text of the half at `at`, as a copy; undefined where it is not the one that was written. */
function textAt(words: Int32Array, bytes: Buffer, at: number): Buffer | undefined {
  const length = words[at / 4] as number;
  if (length < 0 || length > layout.HALF_BYTES - layout.TEXT_AT) return undefined;
  const start = at + layout.TEXT_AT;
  const text = Buffer.from(bytes.subarray(start, start + length));
  const digest = bytes.subarray(at + layout.DIGEST_AT, at + layout.DIGEST_AT + layout.DIGEST_BYTES);
  return digestOf(text).equals(digest) ? text : undefined;
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

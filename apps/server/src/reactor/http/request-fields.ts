import { AMPERSAND, COLON, CR, EQUALS, LF, QUESTION, SEMICOLON, SPACE, TAB } from './http-bytes.js';

/** Where in a request a value is said by which its worker may be chosen. */
export type KeyPlace = 'query' | 'header' | 'cookie';

const COOKIE = Buffer.from('cookie');

/**
 * Finds values in the head of a request, which may lack its end. As written: nothing is decoded, and of several the first counts. One
 * for all requests: what was found holds until the next call.
 */
export class RequestFields {
  /** Where the value that was found begins and ends. */
  from = 0;
  to = 0;

  /** Whether the value of `name`, in lower case where it is a header's, was found, and is not empty. */
  find(place: KeyPlace, name: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
    if (place === 'query') return this.query(name, bytes, start, end);
    if (place === 'header') return this.#header(name, bytes, start, end);
    return this.#header(COOKIE, bytes, start, end) && this.#cookie(name, bytes);
  }

  /** The value of a parameter in the target's query. */
  query(name: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
    const target = indexOf(bytes, SPACE, start, end) + 1;
    const over = indexOf(bytes, SPACE, target, end);
    let at = indexOf(bytes, QUESTION, target, over) + 1;
    while (at < over) {
      const next = indexOf(bytes, AMPERSAND, at, over);
      if (this.#pair(name, bytes, at, next)) return true;
      at = next + 1;
    }
    return false;
  }

  #header(name: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
    let at = indexOf(bytes, LF, start, end) + 1;
    while (at < end && bytes[at] !== CR) {
      const line = indexOf(bytes, CR, at, end);
      const colon = at + name.length;
      if (colon < line && bytes[colon] === COLON && isSame(name, bytes, at, 0x20)) {
        this.from = colon + 1;
        this.to = line;
        return this.#trim(bytes);
      }
      at = line + 2;
    }
    return false;
  }

  /** The cookie of that name, in the value that was found. */
  #cookie(name: Uint8Array, bytes: Uint8Array): boolean {
    const over = this.to;
    let at = this.from;
    while (at < over) {
      while (at < over && isBlank(bytes[at] as number)) at++;
      const next = indexOf(bytes, SEMICOLON, at, over);
      if (this.#pair(name, bytes, at, next)) return this.#trim(bytes);
      at = next + 1;
    }
    return false;
  }

  /** `name=value`, of which the value is not empty. */
  #pair(name: Uint8Array, bytes: Uint8Array, at: number, end: number): boolean {
    const equals = at + name.length;
    if (equals + 1 >= end || bytes[equals] !== EQUALS || !isSame(name, bytes, at, 0)) return false;
    this.from = equals + 1;
    this.to = end;
    return true;
  }

  #trim(bytes: Uint8Array): boolean {
    while (this.from < this.to && isBlank(bytes[this.from] as number)) this.from++;
    while (this.to > this.from && isBlank(bytes[this.to - 1] as number)) this.to--;
    return this.to > this.from;
  }
}

const isBlank = (byte: number): boolean => byte === SPACE || byte === TAB;

/** `end` where there is none. */
function indexOf(bytes: Uint8Array, byte: number, from: number, end: number): number {
  let at = from;
  while (at < end && bytes[at] !== byte) at++;
  return Math.min(at, end);
}

/** `caseBit`: what is set in the bytes of letters before they are compared. */
function isSame(name: Uint8Array, bytes: Uint8Array, at: number, caseBit: number): boolean {
  for (let i = 0; i < name.length; i++)
    if (name[i] !== ((bytes[at + i] as number) | caseBit) && name[i] !== bytes[at + i]) return false;
  return true;
}

/** A hash of bytes (FNV-1a, with its bits mixed at the end), which the seed makes one that is not to be foreseen. */
export function hashBytes(bytes: Uint8Array, start: number, end: number, seed: number): number {
  let hash = seed ^ 0x811c9dc5;
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ (bytes[at] as number), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

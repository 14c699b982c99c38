/**
 * What every segment begins with. Nothing outside of this file knows an offset.
 *
 *   byte  0         4         8                   16        20             24          28
 *         ┌─────────┬─────────┬───────────────────┬─────────┬──────────────┬───────────┐
 *         │ MAGIC   │ VERSION │ SIZE (float64)    │ OWNERS  │ PERMISSIONS  │ NAMESPACE │    MAGIC last
 *     32  ├─────────┼─────────┼───────────────────┼─────────┴──────────────┴───────────┘
 *         │ CREATOR │ THREAD  │ START (float64)   │                             its creator, CREATOR last
 *     64  ├─────────┴─────────┴───────────────────┤
 *         │ KIND, 32 bytes of ASCII, zeros behind │                             what it is: 'bytes', 'mutex', …
 *    128  ├────────────────────────────── … ──────┤
 *         │ OWNERS slots of an owner registry     │                             owner/layout.ts
 *         ├────────────────────────────── … ──────┤
 *         │ SIZE bytes for the user               │                             begins at a multiple of 64
 *         └────────────────────────────── … ──────┘
 *
 * Death at any store of its creator:
 * - A POSIX segment gets its name in one step, when all of it is written: before that there is nothing to find.
 * - A System V segment can be found from the first moment. Until MAGIC is stored its permissions, which the kernel
 *   keeps, hold MAKING_MODE, and the kernel knows its creator's pid: a process that finds the creator dead removes it.
 */
import { OwnerRegistry } from '../owner/registry.js';

export const MAGIC = 0x4d52_5347; // "MRSG"
export const VERSION = 2;

const WORD = 4;
export const MAGIC_OFFSET = 0;
export const MAGIC_WORD = MAGIC_OFFSET / WORD;
export const VERSION_WORD = 4 / WORD;
export const SIZE_DOUBLE = 8 / 8;
export const OWNERS_WORD = 16 / WORD;
export const PERMISSIONS_WORD = 20 / WORD;
/** The pid namespace of its creator, a uint32: all ids of processes and threads in the segment are of it. */
export const NAMESPACE_WORD = 24 / WORD;
export const CREATOR_WORD = 32 / WORD;
export const CREATOR_THREAD_WORD = 36 / WORD;
export const CREATOR_START_DOUBLE = 40 / 8;
export const KIND_OFFSET = 64;
export const KIND_BYTES = 32;
export const HEADER_BYTES = 128;
export const OWNERS_OFFSET = HEADER_BYTES;

/** Where the user's bytes begin: a cache line of their own. */
const ALIGNMENT = 64;

/** Bits that mean nothing for shared memory, and that no user sets: a System V segment that is not finished. */
export const MAKING_MODE = 0o111;

/** Where the user's bytes begin. */
export function userOffset(owners: number): number {
  const end = OWNERS_OFFSET + (owners === 0 ? 0 : OwnerRegistry.bytes(owners));
  return Math.ceil(end / ALIGNMENT) * ALIGNMENT;
}

/** Bytes of a whole segment: whole words, whatever the user asks for. */
export function segmentBytes(size: number, owners: number): number {
  return userOffset(owners) + Math.ceil(size / ALIGNMENT) * ALIGNMENT;
}

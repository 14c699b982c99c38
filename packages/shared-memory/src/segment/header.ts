import type { ThreadIdentity } from '@millrace/native/internal';
import { SharedMemoryError } from '../errors.js';
import { procThreads } from '../owner/threads.js';
import {
  CREATOR_START_DOUBLE,
  CREATOR_THREAD_WORD,
  CREATOR_WORD,
  HEADER_BYTES,
  KIND_BYTES,
  KIND_OFFSET,
  MAGIC,
  MAGIC_WORD,
  NAMESPACE_WORD,
  OWNERS_WORD,
  PERMISSIONS_WORD,
  SIZE_DOUBLE,
  segmentBytes,
  VERSION,
  VERSION_WORD,
} from './layout.js';

/** What a segment says of itself. */
export interface SegmentHeader {
  readonly kind: string;
  /** Bytes for the user. */
  readonly size: number;
  /** Slots of its owner registry; 0: it has none. */
  readonly owners: number;
  /** As given at creation: 0o600. */
  readonly permissions: number;
}

/** What an opener expects; whatever is left out may be anything. */
export interface SegmentExpectation {
  readonly kind?: string | undefined;
  readonly size?: number | undefined;
  readonly owners?: number | undefined;
}

/** Writes the identity of the creator, so that a process that finds the segment half-made knows whether to wait. */
export function writeCreator(buffer: ArrayBuffer): void {
  const { pid, tid, start } = procThreads.self();
  const words = new Int32Array(buffer, 0, HEADER_BYTES / 4);
  new Float64Array(buffer, 0, HEADER_BYTES / 8)[CREATOR_START_DOUBLE] = start;
  words[CREATOR_THREAD_WORD] = tid;
  words[NAMESPACE_WORD] = procThreads.namespace();
  // Pairs with the load in readCreator: thread, start and namespace are there.
  Atomics.store(words, CREATOR_WORD, pid);
}

/** Undefined while it has not said so. */
export function readCreator(buffer: ArrayBuffer): ThreadIdentity | undefined {
  const words = new Int32Array(buffer, 0, HEADER_BYTES / 4);
  const pid = Atomics.load(words, CREATOR_WORD);
  if (pid === 0) return undefined;
  const start = new Float64Array(buffer, 0, HEADER_BYTES / 8)[CREATOR_START_DOUBLE] as number;
  return { pid, tid: words[CREATOR_THREAD_WORD] as number, start, namespace: readNamespace(buffer) };
}

/** The pid namespace that all ids in the segment are of: that of its creator. */
export function readNamespace(buffer: ArrayBuffer): number {
  return new Uint32Array(buffer, 0, HEADER_BYTES / 4)[NAMESPACE_WORD] as number;
}

/** Everything but the magic. */
export function writeHeader(buffer: ArrayBuffer, { kind, size, owners, permissions }: SegmentHeader): void {
  const words = new Int32Array(buffer, 0, HEADER_BYTES / 4);
  words[VERSION_WORD] = VERSION;
  words[OWNERS_WORD] = owners;
  words[PERMISSIONS_WORD] = permissions;
  new Float64Array(buffer, 0, HEADER_BYTES / 8)[SIZE_DOUBLE] = size;
  new TextEncoder().encodeInto(kind, new Uint8Array(buffer, KIND_OFFSET, KIND_BYTES));
}

/** Makes it a segment: a process that sees the magic sees all that was written before. */
export function publish(buffer: ArrayBuffer): void {
  // Pairs with the load in isPublished.
  Atomics.store(new Int32Array(buffer, 0, 1), MAGIC_WORD, MAGIC);
}

export function isPublished(buffer: ArrayBuffer): boolean {
  return Atomics.load(new Int32Array(buffer, 0, 1), MAGIC_WORD) === MAGIC;
}

/** The header of memory that is published, or undefined when it is none of ours: `length` bytes are there. */
export function readHeader(buffer: ArrayBuffer, length: number): SegmentHeader | undefined {
  if (buffer.byteLength < HEADER_BYTES || length < HEADER_BYTES || !isPublished(buffer)) return undefined;
  const words = new Int32Array(buffer, 0, HEADER_BYTES / 4);
  const owners = words[OWNERS_WORD] as number;
  const size = new Float64Array(buffer, 0, HEADER_BYTES / 8)[SIZE_DOUBLE] as number;
  if (words[VERSION_WORD] !== VERSION || owners < 0 || !(size > 0)) return undefined;
  if (segmentBytes(size, owners) > length) return undefined;
  const kind = Buffer.from(buffer, KIND_OFFSET, KIND_BYTES).toString('latin1').replace(/\0.*$/s, '');
  return { kind, size, owners, permissions: words[PERMISSIONS_WORD] as number };
}

/** Throws `ERR_MILLRACE_SEGMENT_MISMATCH` naming the first difference. */
export function checkExpected(label: string, found: SegmentHeader, expected: SegmentExpectation): void {
  for (const key of ['kind', 'size', 'owners'] as const) {
    if (expected[key] === undefined || expected[key] === found[key]) continue;
    throw new SharedMemoryError(
      'ERR_MILLRACE_SEGMENT_MISMATCH',
      `The segment ${label} has ${key} ${found[key]}, not ${expected[key]}. Open it as what it is, or unlink it first.`,
    );
  }
}

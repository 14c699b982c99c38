import { closeSync, fstatSync } from 'node:fs';
import { checkOptions, optionNames } from '@millrace/channel';
import { deadlineAfter } from '@millrace/channel/internal';
import { createMemory, MappedMemory } from '@millrace/native';
import { SharedMemoryError } from '../errors.js';
import { OwnerRegistry } from '../owner/registry.js';
import { procThreads } from '../owner/threads.js';
import {
  checkExpected,
  publish,
  readHeader,
  readNamespace,
  type SegmentExpectation,
  type SegmentHeader,
  writeCreator,
  writeHeader,
} from './header.js';
import { OWNERS_OFFSET, segmentBytes, userOffset } from './layout.js';
import { labelOf, type SegmentName } from './name.js';
import { DEFAULT_KIND, type HeaderOptions, headerOf, type SegmentTrust, TRUST_OPTIONS } from './options.js';
import { posixStore } from './posix.js';
import type { SegmentInfo, SegmentStore, StoredMemory } from './store.js';
import { systemVStore } from './system-v.js';

export interface SegmentOptions extends HeaderOptions {
  /** Writes the first contents (zeros otherwise) before any process can open it. Must not take long. */
  readonly initialise?: (segment: Segment) => void;
}

export interface SegmentOpenOptions extends SegmentExpectation, SegmentTrust {
  /** Milliseconds to wait for a living creator to finish. Default 5,000. */
  readonly timeout?: number;
}

export interface SegmentOpenOrCreateOptions extends SegmentOptions, SegmentTrust {
  /** Milliseconds to wait for a living creator to finish. Default 5,000. */
  readonly timeout?: number;
}

/** Of every call that opens one. */
const SEGMENT_OPTIONS = optionNames<SegmentOptions & SegmentOpenOptions & SegmentOpenOrCreateOptions>({
  size: true,
  kind: true,
  owners: true,
  permissions: true,
  initialise: true,
  timeout: true,
  trustedUsers: true,
});

/** Milliseconds. */
const DEFAULT_TIMEOUT_MS = 5_000;

/**
 * Memory that several threads and processes share: under a POSIX name, under a System V key, or anonymous and handed
 * on as a descriptor.
 *
 * Notes. A named segment outlives all processes until it is unlinked. All its pages are taken when it is created.
 * `close` ends the use of it here: what is read from it later has length 0 or throws, and nothing crashes.
 */
export class Segment implements Disposable {
  /** Undefined for an anonymous one. */
  readonly name: SegmentName | undefined;
  readonly kind: string;
  /** Bytes for the user. */
  readonly size: number;
  /** Whether this call has made it; false when it was there. */
  readonly created: boolean;
  /** Where the user's bytes begin in {@link Segment.buffer}: a multiple of 64. */
  readonly byteOffset: number;
  readonly #memory: MappedMemory;
  readonly #id: number;
  readonly #ownerSlots: number;
  readonly #fd: number | undefined;
  readonly #closing = new Set<() => void>();
  #owners: OwnerRegistry | undefined;

  private constructor(
    name: SegmentName | undefined,
    { memory, id }: StoredMemory,
    header: SegmentHeader,
    created: boolean,
    fd?: number,
  ) {
    this.name = name;
    this.kind = header.kind;
    this.size = header.size;
    this.created = created;
    this.byteOffset = userOffset(header.owners);
    this.#memory = memory;
    this.#id = id;
    this.#ownerSlots = header.owners;
    this.#fd = fd;
  }

  /** Throws `ERR_MILLRACE_SEGMENT_EXISTS` when the name is taken. */
  static create(name: SegmentName, options: SegmentOptions): Segment {
    checkOptions(options, SEGMENT_OPTIONS, 'A segment');
    const segment = Segment.#create(name, options);
    if (segment !== undefined) return segment;
    throw new SharedMemoryError(
      'ERR_MILLRACE_SEGMENT_EXISTS',
      `There is a segment ${labelOf(name)} already. Open it, or unlink it first.`,
    );
  }

  /**
   * Throws `ERR_MILLRACE_SEGMENT_MISSING`, `…_OWNER` (another user's), `…_FOREIGN` (another program made it), `…_MISMATCH` (it is not what is
   * expected), or `…_UNFINISHED` (its creator lives and has not finished in time).
   */
  static open(name: SegmentName, options: SegmentOpenOptions = {}): Segment {
    checkOptions(options, SEGMENT_OPTIONS, 'A segment');
    const segment = Segment.#open(name, options);
    if (segment !== undefined) return segment;
    throw new SharedMemoryError(
      'ERR_MILLRACE_SEGMENT_MISSING',
      `There is no segment ${labelOf(name)}. Create it first, or use openOrCreate.`,
    );
  }

  /** Opens what is there, which must be as the options say, or makes it: of several callers at once one does. */
  static openOrCreate(name: SegmentName, options: SegmentOpenOrCreateOptions): Segment {
    checkOptions(options, SEGMENT_OPTIONS, 'A segment');
    const { kind = DEFAULT_KIND, size, owners = 0, timeout, trustedUsers } = options;
    for (;;) {
      const expected = { kind, size, owners, trustedUsers, ...(timeout === undefined ? {} : { timeout }) };
      const segment = Segment.#open(name, expected) ?? Segment.#create(name, options);
      if (segment !== undefined) return segment;
    }
  }

  /** Memory without a name, for those that get its {@link Segment.descriptor}; its size is sealed. */
  static anonymous(options: SegmentOptions): Segment {
    checkOptions(options, SEGMENT_OPTIONS, 'A segment');
    const header = headerOf(options);
    const bytes = segmentBytes(header.size, header.owners);
    const fd = createMemory(`millrace-${header.kind}`, bytes);
    const memory = new MappedMemory(fd, bytes);
    const segment = new Segment(undefined, { memory, id: fd }, header, true, fd);
    try {
      segment.#fill(header, options);
      publish(memory.buffer);
      return segment;
    } catch (error) {
      segment.close();
      throw error;
    }
  }

  /** An anonymous segment that was handed on. The descriptor stays the caller's, and may be closed at once. */
  static fromDescriptor(fd: number, expected: SegmentExpectation = {}): Segment {
    checkOptions(expected, SEGMENT_OPTIONS, 'A segment');
    const memory = new MappedMemory(fd, Math.max(fstatSync(fd).size, 1));
    return Segment.#over(undefined, { memory, id: fd }, expected);
  }

  /** Removes the name; the memory goes with its last user. False when there is none. Refuses foreign ones. */
  static unlink(name: SegmentName, trust: SegmentTrust = {}): boolean {
    checkOptions(trust, TRUST_OPTIONS, 'Segment.unlink()');
    const segment = Segment.#open(name, trust);
    return segment?.unlink() ?? false;
  }

  /** The named segments of this machine that this user may read. */
  static list(): SegmentInfo[] {
    return [...posixStore.list(), ...systemVStore.list()];
  }

  /** The whole memory. Throws `ERR_MILLRACE_CLOSED` after `close`. */
  get buffer(): ArrayBuffer {
    if (this.#memory.closed) throw this.#closedError();
    return this.#memory.buffer;
  }

  /** The user's bytes. */
  get bytes(): Uint8Array {
    return new Uint8Array(this.buffer, this.byteOffset, this.size);
  }

  /** The registry of owners in it. Throws `ERR_MILLRACE_OWNERS_COUNT` when it was created without. */
  get owners(): OwnerRegistry {
    const { buffer } = this;
    if (this.#ownerSlots === 0) {
      throw new SharedMemoryError(
        'ERR_MILLRACE_OWNERS_COUNT',
        `The segment ${labelOf(this.name)} has 0 owners: create it with the option owners to keep locks in it.`,
      );
    }
    this.#owners ??= new OwnerRegistry(
      buffer,
      OWNERS_OFFSET,
      this.#ownerSlots,
      procThreads,
      readNamespace(buffer),
    );
    return this.#owners;
  }

  /** The descriptor to hand on, of a segment that `anonymous` made; it is closed with the segment. */
  get descriptor(): number {
    if (this.#memory.closed) throw this.#closedError();
    if (this.#fd !== undefined) return this.#fd;
    throw new SharedMemoryError(
      'ERR_MILLRACE_SEGMENT_NAME',
      `The segment ${labelOf(this.name)} has no descriptor of its own: only what Segment.anonymous has made has one.`,
    );
  }

  get closed(): boolean {
    return this.#memory.closed;
  }

  /** Calls `callback` when the segment is about to be closed; returns what takes that back. */
  onClose(callback: () => void): () => void {
    this.#closing.add(callback);
    return () => this.#closing.delete(callback);
  }

  /** Detaches; idempotent. What this thread still owns here is given up with it. The segment stays for the others. */
  close(): void {
    if (this.#memory.closed) return;
    for (const callback of this.#closing) callback();
    this.#closing.clear();
    this.#owners?.release();
    this.#memory.close();
    if (this.#fd !== undefined) closeSync(this.#fd);
  }

  /** Closes, and removes the name, if it still is this segment's; false when it had gone. */
  unlink(): boolean {
    this.close();
    if (this.name === undefined) return false;
    return storeOf(this.name).unlink(this.name, this.#id);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  static #create(name: SegmentName, options: SegmentOptions): Segment | undefined {
    const header = headerOf(options);
    const bytes = segmentBytes(header.size, header.owners);
    const stored = storeOf(name).create(name, bytes, header.permissions, (memory) => {
      new Segment(name, { memory, id: 0 }, header, true).#fill(header, options);
    });
    return stored && new Segment(name, stored, header, true);
  }

  static #open(
    name: SegmentName,
    { timeout = DEFAULT_TIMEOUT_MS, trustedUsers, ...expected }: SegmentOpenOptions,
  ): Segment | undefined {
    const stored = storeOf(name).open(name, deadlineAfter(timeout), trustedUsers);
    return stored && Segment.#over(name, stored, expected);
  }

  static #over(name: SegmentName | undefined, stored: StoredMemory, expected: SegmentExpectation): Segment {
    const { memory } = stored;
    try {
      const header = readHeader(memory.buffer, memory.length);
      if (header === undefined) {
        throw new SharedMemoryError(
          'ERR_MILLRACE_SEGMENT_FOREIGN',
          `What is at ${labelOf(name)} is no segment of this version: another program, or another version, made it.`,
        );
      }
      checkExpected(labelOf(name), header, expected);
      return new Segment(name, stored, header, false);
    } catch (error) {
      memory.close();
      throw error;
    }
  }

  #fill(header: SegmentHeader, { initialise }: SegmentOptions): void {
    writeCreator(this.buffer);
    writeHeader(this.buffer, header);
    initialise?.(this);
    // What it has claimed for itself while filling is not its own in the segment that others see.
    this.#owners?.release();
  }

  #closedError(): SharedMemoryError {
    return new SharedMemoryError(
      'ERR_MILLRACE_CLOSED',
      `The segment ${labelOf(this.name)} has been closed here. Open it again to use it.`,
    );
  }
}

function storeOf<Name extends SegmentName>(name: Name): SegmentStore<Name> {
  return (typeof name === 'string' ? posixStore : systemVStore) as unknown as SegmentStore<Name>;
}

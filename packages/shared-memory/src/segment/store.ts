import type { MappedMemory, TrustedUsers } from '@millrace/native';
import type { SegmentHeader } from './header.js';
import type { SegmentName } from './name.js';

/** Memory that a store has made or found, and what names it there for good: an inode, an identifier. */
export interface StoredMemory {
  readonly memory: MappedMemory;
  readonly id: number;
}

/** What `Segment.list` tells of a segment. */
export interface SegmentInfo extends SegmentHeader {
  readonly name: SegmentName;
  /** The pid of its creator. */
  readonly creator: number;
}

/** One of the system's mechanisms to keep memory under a name. */
export interface SegmentStore<Name> {
  /**
   * Makes memory of `bytes` bytes, lets `fill` write all of it, and only then lets others see it; undefined when the
   * name is taken. Whatever `fill` throws leaves nothing behind.
   */
  create(
    name: Name,
    bytes: number,
    permissions: number,
    fill: (memory: MappedMemory) => void,
  ): StoredMemory | undefined;
  /**
   * Undefined when there is none. Waits for a living creator to finish, until `deadline` (performance.now()). Throws
   * `ERR_MILLRACE_SEGMENT_OWNER` for that of an untrusted user, before anything in it is read.
   */
  open(name: Name, deadline: number, trusted: TrustedUsers | undefined): StoredMemory | undefined;
  /** Removes the name; the memory goes with its last user. With `id`, only if the name still is that one's. */
  unlink(name: Name, id?: number): boolean;
  list(): SegmentInfo[];
}

import { checkOptions, optionNames } from '@millrace/channel';
import { SharedMemoryError } from '../errors.js';
import type { SegmentName } from './name.js';
import { type SegmentTrust, TRUST_OPTIONS } from './options.js';
import { Segment } from './segment.js';

export interface SharedObjectOptions extends SegmentTrust {
  /** As of a file. Default 0o600. */
  readonly permissions?: number;
}

const SHARED_OBJECT_OPTIONS = optionNames<SharedObjectOptions>({ permissions: true, trustedUsers: true });

/** What a class says of the segment that one object of it fills. */
export interface SharedObjectShape {
  readonly kind: string;
  readonly size: number;
  readonly owners: number;
  readonly initialise?: (segment: Segment) => void;
}

/**
 * Something small that lives in a segment: in one of its own, which is closed with it, or beside others in one of the
 * user's.
 */
export abstract class SharedObject implements Disposable {
  readonly segment: Segment;
  readonly #own: boolean;
  readonly #forget: () => void;
  #closed = false;

  protected constructor(segment: Segment, own: boolean) {
    this.segment = segment;
    this.#own = own;
    this.#forget = segment.onClose(() => this.#close());
  }

  /** True after `close`, and after its segment has been closed. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Ends its use here; idempotent. What is waited for is rejected with `ERR_MILLRACE_CLOSED`. */
  close(): void {
    if (this.#closed) return;
    this.#close();
    this.#forget();
    if (this.#own) this.segment.close();
  }

  /** Closes it and removes its segment's name; false when that had gone, or the segment is the user's. */
  unlink(): boolean {
    this.close();
    return this.#own && this.segment.unlink();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** What an object does when its use ends, while its memory is still there. */
  protected abstract release(): void;

  /** @internal */
  closedError(): SharedMemoryError {
    return new SharedMemoryError(
      'ERR_MILLRACE_CLOSED',
      `This ${this.segment.kind} has been closed here. Open it again to use it.`,
    );
  }

  #close(): void {
    this.#closed = true;
    this.release();
  }
}

/** How the segment that one object fills is made or opened. */
export const segmentOfItsOwn = {
  create: (name: SegmentName, shape: SharedObjectShape, options: SharedObjectOptions): Segment => {
    checkOptions(options, SHARED_OBJECT_OPTIONS, `A ${shape.kind}`);
    const { permissions } = options;
    return Segment.create(name, { ...shape, ...(permissions === undefined ? {} : { permissions }) });
  },

  open: (name: SegmentName, { kind }: { readonly kind: string }, trust: SegmentTrust): Segment => {
    checkOptions(trust, TRUST_OPTIONS, `A ${kind}`);
    return Segment.open(name, { kind, ...trust });
  },

  openOrCreate: (name: SegmentName, shape: SharedObjectShape, options: SharedObjectOptions): Segment => {
    checkOptions(options, SHARED_OBJECT_OPTIONS, `A ${shape.kind}`);
    const { permissions, trustedUsers } = options;
    return Segment.openOrCreate(name, {
      ...shape,
      trustedUsers,
      ...(permissions === undefined ? {} : { permissions }),
    });
  },

  /** As `openOrCreate`, for an object that says itself how many it is for: one of another size is opened as it is. */
  openOrCreateOfAnySize: (
    name: SegmentName,
    shape: SharedObjectShape,
    options: SharedObjectOptions,
  ): Segment => {
    try {
      return segmentOfItsOwn.openOrCreate(name, shape, options);
    } catch (error) {
      if ((error as SharedMemoryError).code !== 'ERR_MILLRACE_SEGMENT_MISMATCH') throw error;
      return segmentOfItsOwn.open(name, shape, { trustedUsers: options.trustedUsers });
    }
  },

  anonymous: (shape: SharedObjectShape): Segment => Segment.anonymous(shape),

  fromDescriptor: (fd: number, { kind }: { readonly kind: string }): Segment =>
    Segment.fromDescriptor(fd, { kind }),
};

/**
 * The statics of a class whose objects are all of one shape: each makes or opens the segment that one object fills, and `over`
 * is the object in it.
 */
export function namedObjects<T>(shape: SharedObjectShape, over: (segment: Segment) => T) {
  return {
    create: (name: SegmentName, options: SharedObjectOptions = {}): T =>
      over(segmentOfItsOwn.create(name, shape, options)),
    open: (name: SegmentName, trust: SegmentTrust = {}): T => over(segmentOfItsOwn.open(name, shape, trust)),
    openOrCreate: (name: SegmentName, options: SharedObjectOptions = {}): T =>
      over(segmentOfItsOwn.openOrCreate(name, shape, options)),
    anonymous: (): T => over(segmentOfItsOwn.anonymous(shape)),
    fromDescriptor: (fd: number): T => over(segmentOfItsOwn.fromDescriptor(fd, shape)),
  };
}

/** Where an object of `bytes` begins in the memory of its segment. Throws when they do not fit or are not aligned. */
export function objectOffset(segment: Segment, byteOffset: number, bytes: number): number {
  if (byteOffset % 8 === 0 && byteOffset >= 0 && byteOffset + bytes <= segment.size) {
    return segment.byteOffset + byteOffset;
  }
  throw new SharedMemoryError(
    'ERR_MILLRACE_SEGMENT_SIZE',
    `${bytes} bytes at ${byteOffset} do not lie within the ${segment.size} bytes of the segment, at a multiple of 8.`,
  );
}

import { MemoryUse } from '../output/memory-use.js';
import { type Framer, MALFORMED } from './framer.js';
import { LARGE_FRAME, type OwnFrames } from './own-frames.js';

/** The beginning of a frame that goes on in the next read is kept in so many bytes or more; one for each connection. */
const MIN_KEEP = 256;
/** Bytes of a frame from which the rest of it is read to where its beginning is kept, instead of both to one place. */
const LARGE = LARGE_FRAME;
/** Memories of large frames that the next ones use again, in this thread: fresh ones cost page faults and collections. */
const SPARES = 16;
const MOST_SPARE_BYTES = 1 << 20;
const spares: Buffer[] = [];

/**
 * Cuts what a connection reads to frames. Reads go to memory that all connections of a reactor share; only the
 * beginning of a frame that is not whole yet is copied, and a large one is read straight to where it will be whole.
 */
export class FrameInput {
  readonly #framer: Framer;
  readonly #shared: Buffer;
  readonly #use: MemoryUse;
  readonly #own: OwnFrames | undefined;
  #kept: Buffer | undefined;
  /** Where the kept bytes begin in there: what was taken before them is not moved away for each frame. */
  #keptStart = 0;
  #keptBytes = 0;
  /** Kept bytes that are known to hold no end of a frame. */
  #scanned = 0;
  /** Bytes of the frame that is kept, as far as the framer knew; it may have seen other streams since. */
  #needed = 0;
  /** Where the next read goes: the shared memory behind a copy of what was kept, or the kept frame's own. */
  target: Buffer;
  offset = 0;
  /** Where in `target` the bytes begin that no frame has been cut from. */
  #from = 0;

  /** `own`: large frames that come alone are their visitor's to keep, where that says so. Default: no frame is. */
  constructor(framer: Framer, shared: Buffer, use: MemoryUse = new MemoryUse(), own?: OwnFrames) {
    this.#framer = framer;
    this.#shared = shared;
    this.#use = use;
    this.#own = own;
    this.target = shared;
  }

  /** Nothing is kept: it can go on with another stream. */
  get empty(): boolean {
    return this.#keptBytes === 0;
  }

  /** Bytes that are kept. */
  get bytes(): number {
    return this.#keptBytes;
  }

  /** Bytes that the frame which has begun is known to lack; 0: there is none, or it is not known. */
  get missing(): number {
    return Math.max(0, this.#needed - this.#keptBytes);
  }

  /** Forgets what is kept. */
  clear(): void {
    this.#keep(this.#shared, 0, 0, 0, 0);
  }

  /** Chooses `target` and `offset` for the next read. */
  prepare(): void {
    const kept = this.#kept;
    if (kept === undefined) {
      this.target = this.#own?.next ?? this.#shared;
      this.offset = this.#from = 0;
    } else if (Math.max(this.#needed, this.#keptBytes) > Math.min(LARGE, this.#shared.length / 2)) {
      this.#makeRoom(kept);
      this.prepareKept();
    } else {
      kept.copy(this.#shared, 0, this.#keptStart, this.#keptStart + this.#keptBytes);
      this.target = this.#shared;
      this.offset = this.#keptBytes;
      this.#from = 0;
    }
  }

  /** Chooses what is kept, for a `take` of 0 bytes: nothing is copied for frames that have waited. */
  prepareKept(): void {
    this.target = this.#kept ?? this.#shared;
    this.#from = this.#keptStart;
    this.offset = this.#keptStart + this.#keptBytes;
  }

  /**
   * Takes `count` bytes that were read to `target` at `offset`, and visits the frames they complete until `wanted` says
   * no; these and the framer get `context`. Returns false when the stream is malformed. What a visitor throws comes out; the frames
   * after it are kept.
   */
  take<Context = undefined>(
    count: number,
    visit: (memory: Buffer, start: number, end: number, context: Context) => void,
    wanted: (context: Context) => boolean,
    context?: Context,
  ): boolean {
    const { target } = this;
    const end = this.offset + count;
    let start = this.#from;
    let scanned = this.#scanned;
    let needed = this.#needed;
    let latest = 0;
    try {
      while (start < end && wanted(context as Context)) {
        const length = this.#framer.measure(target, start, end, scanned, context);
        scanned = needed = 0;
        if (length === MALFORMED) return false;
        if (length === 0) {
          scanned = end - start;
          needed = this.#framer.needed;
          break;
        }
        const frame = start;
        // Before the visit: a frame whose visitor throws is not visited again.
        start += length;
        latest = length;
        if (this.#own !== undefined && frame === 0 && start === end && this.#give(target, length))
          this.#own.visited = true;
        visit(target, frame, start - this.#framer.trailer, context as Context);
      }
    } finally {
      if (this.#own !== undefined) {
        this.#own.visited = false;
        if (needed > 0 || latest > 0) this.#own.expect(needed > 0 ? needed : latest);
      }
      this.#keep(target, start, end, scanned, needed);
    }
    return true;
  }

  /** Gives `memory` up to the frame that is all there is in it, where the two are about as long; false: it stays this input's. */
  #give(memory: Buffer, bytes: number): boolean {
    const own = this.#own as OwnFrames;
    if (memory === this.#shared || !own.fills(memory, bytes)) return false;
    own.give(memory);
    if (memory !== this.#kept) return true;
    this.#use.bytes -= this.#keptBytes;
    this.#kept = undefined;
    this.#keptStart = this.#keptBytes = 0;
    return true;
  }

  #keep(source: Buffer, start: number, end: number, scanned: number, needed: number): void {
    const bytes = end - start;
    this.#scanned = scanned;
    this.#needed = needed;
    this.#use.bytes += bytes - this.#keptBytes;
    this.#keptBytes = bytes;
    if (bytes === 0) {
      if (this.#kept !== undefined) spare(this.#kept);
      this.#kept = undefined;
      this.#keptStart = 0;
      // It may have been a large one, which an input without bytes is not to keep alive.
      this.target = this.#shared;
      return;
    }
    if (source === this.#kept) {
      this.#keptStart = start;
      return;
    }
    if (start === 0 && this.#own?.isNext(source) && this.#own.fills(source, needed)) {
      // It will be whole where it has begun.
      this.#own.give(source);
      this.#kept = source;
      this.#keptStart = 0;
      return;
    }
    let kept = this.#kept;
    if (kept === undefined || kept.length < Math.max(needed, bytes + 1)) {
      if (kept !== undefined) spare(kept);
      kept = this.#memoryFor(bytes, needed);
    }
    source.copy(kept, 0, start, end);
    this.#kept = kept;
    this.#keptStart = 0;
  }

  /** Makes room in the kept memory for the rest of a frame, or for some more where its length is not known. */
  #makeRoom(kept: Buffer): void {
    const bytes = this.#keptBytes;
    const least = Math.max(this.#needed, bytes + 1);
    const start = this.#keptStart;
    if (kept.length - start >= least) return;
    this.#keptStart = 0;
    if (kept.length >= least) {
      kept.copyWithin(0, start, start + bytes);
      return;
    }
    const larger = this.#memoryFor(bytes, this.#needed);
    kept.copy(larger, 0, start, start + bytes);
    spare(kept);
    this.#kept = larger;
  }

  /** Of a large frame that may be handed over, just as much as it will fill. */
  #memoryFor(bytes: number, needed: number): Buffer {
    if (this.#own !== undefined && needed >= LARGE) return Buffer.allocUnsafeSlow(needed);
    return memoryFor(roomFor(bytes, needed));
  }
}

function roomFor(bytes: number, needed: number): number {
  return needed > bytes ? needed : Math.max(MIN_KEEP, bytes * 2);
}

function memoryFor(bytes: number): Buffer {
  if (bytes < LARGE) return Buffer.allocUnsafe(bytes);
  const memory = spares.pop();
  // One that is much too large waits for a frame that is worth it no longer.
  return memory !== undefined && memory.length >= bytes && memory.length <= 4 * bytes
    ? memory
    : Buffer.allocUnsafeSlow(bytes);
}

function spare(memory: Buffer): void {
  if (memory.length >= LARGE && memory.length <= MOST_SPARE_BYTES && spares.length < SPARES)
    spares.push(memory);
}

const MOST_SPARE = 64;

/** Makes objects where none is left over from a connection that needs it no more; keeps 64 of those at most. */
export class Spares<T> {
  readonly #make: () => T;
  readonly #spare: T[] = [];

  constructor(make: () => T) {
    this.#make = make;
  }

  take(): T {
    return this.#spare.pop() ?? this.#make();
  }

  /** `item` is as a new one would be. */
  give(item: T): void {
    if (this.#spare.length < MOST_SPARE) this.#spare.push(item);
  }
}

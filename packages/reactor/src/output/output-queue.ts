import { EAGAIN, EINTR, ENOBUFS, ENOTSOCK, syscalls } from '@millrace/native/syscalls';
import { MemoryUse } from './memory-use.js';
import { closeFiles, OutgoingFile } from './outgoing-file.js';

/** A block that small writes are gathered in holds at least so many bytes, */
const MIN_BLOCK_BYTES = 4 << 10;
/** and at most so many; it grows with what is queued, so that a short queue takes little memory. */
const MAX_BLOCK_BYTES = 64 << 10;
/** Blocks that have been sent are dropped from the list in steps of so many. */
const DROP_AT = 64;

interface Block {
  readonly memory: Buffer;
  used: number;
}

/** Bytes and files that a descriptor did not take yet, oldest first. Bytes are copied when they are queued. */
export class OutputQueue {
  readonly #fd: number;
  readonly #use: MemoryUse;
  #memory = 0;
  #items: (Block | OutgoingFile | undefined)[] = [];
  #first = 0;
  /** Bytes of the first block that are sent. */
  #sent = 0;
  #bytes = 0;
  #files = 0;
  /** Whether `send` works on the descriptor; the others are written to. */
  #isSocket = true;
  /** Why `flush` failed, where that is not the descriptor's fault. */
  failure: Error | undefined;

  /** `use`: where its memory counts. */
  constructor(fd: number, use: MemoryUse = new MemoryUse()) {
    this.#fd = fd;
    this.#use = use;
  }

  /** Bytes of its memory, which is more than what is queued. */
  get memory(): number {
    return this.#memory;
  }

  /** Bytes in memory; files do not count. */
  get bytes(): number {
    return this.#bytes;
  }

  /** How many files are queued, the one that is being sent included. */
  get files(): number {
    return this.#files;
  }

  get empty(): boolean {
    return this.#bytes === 0 && this.#files === 0;
  }

  /**
   * Sends `memory[start, end)`, behind what is queued; what the kernel does not take is copied and queued. Returns 0,
   * or a negated errno when the connection is broken.
   */
  write(memory: Uint8Array, start: number, end: number): number {
    let at = start;
    if (this.#bytes === 0 && this.#files === 0) {
      while (at < end) {
        const sent = this.#put(memory, at, end - at);
        if (sent > 0) at += sent;
        else if (sent === -EAGAIN || sent === -ENOBUFS) break;
        else if (sent !== -EINTR) return sent;
      }
      if (at === end) return 0;
    }
    this.add(memory, at, end);
    return 0;
  }

  /** Sends what it can of `file`, behind what is queued. Returns 0, or a negated errno as `flush` does. */
  writeFile(file: OutgoingFile): number {
    const idle = this.empty;
    this.#items.push(file);
    this.#files++;
    return idle ? this.flush() : 0;
  }

  /** Sends what it can of the queue. Returns 0, or a negated errno when the connection is broken. */
  flush(): number {
    while (!this.empty) {
      const item = this.#items[this.#first] as Block | OutgoingFile;
      const sent = item instanceof OutgoingFile ? item.send(this.#fd) : this.#sendBlock(item);
      if (sent === -EINTR) continue;
      if (sent === -EAGAIN || sent === -ENOBUFS) return 0;
      if (sent < 0) {
        if (item instanceof OutgoingFile) this.failure = item.failure;
        return sent;
      }
      // A file that is not done gives the others their turn; the descriptor stays writable and reports again.
      if (item instanceof OutgoingFile && !this.#fileSent(item)) return 0;
    }
    return 0;
  }

  /** Forgets what is queued; files learn why. */
  clear(reason?: Error): void {
    const left = this.#items;
    this.#items = [];
    this.#first = this.#sent = this.#bytes = this.#files = 0;
    this.#count(-this.#memory);
    closeFiles(left, reason);
  }

  #put(memory: Uint8Array, offset: number, length: number): number {
    if (!this.#isSocket) return syscalls.write(this.#fd, memory, offset, length);
    const sent = syscalls.send(this.#fd, memory, offset, length);
    if (sent !== -ENOTSOCK) return sent;
    this.#isSocket = false;
    return syscalls.write(this.#fd, memory, offset, length);
  }

  /** Queues a copy of `memory[start, end)`. */
  add(memory: Uint8Array, start: number, end: number): void {
    const bytes = end - start;
    const last = this.#items[this.#items.length - 1];
    this.#bytes += bytes;
    if (last !== undefined && !(last instanceof OutgoingFile) && last.memory.length - last.used >= bytes) {
      last.memory.set(memory.subarray(start, end), last.used);
      last.used += bytes;
      return;
    }
    const block = Math.min(MAX_BLOCK_BYTES, Math.max(MIN_BLOCK_BYTES, this.#bytes));
    const fresh = Buffer.allocUnsafeSlow(Math.max(bytes, block));
    fresh.set(memory.subarray(start, end));
    this.#items.push({ memory: fresh, used: bytes });
    this.#count(fresh.length);
  }

  #sendBlock(block: Block): number {
    const sent = this.#put(block.memory, this.#sent, block.used - this.#sent);
    if (sent < 0) return sent;
    this.#bytes -= sent;
    this.#sent += sent;
    if (this.#sent === block.used) {
      this.#count(-block.memory.length);
      this.#next();
    }
    return sent;
  }

  #count(bytes: number): void {
    this.#memory += bytes;
    this.#use.bytes += bytes;
  }

  #fileSent(file: OutgoingFile): boolean {
    if (!file.done) return false;
    this.#files--;
    this.#next();
    file.close();
    return true;
  }

  #next(): void {
    this.#sent = 0;
    this.#items[this.#first++] = undefined;
    if (this.empty) {
      this.#items = [];
      this.#first = 0;
    } else if (this.#first >= DROP_AT) {
      this.#items.splice(0, this.#first);
      this.#first = 0;
    }
  }
}

/**
 * Sends what a socket takes of `memory[start, end)` at once. Returns how many bytes, or a negated errno when the
 * connection is broken.
 */
export function sendNow(fd: number, memory: Uint8Array, start: number, end: number): number {
  if (start === end) return 0;
  return takenOf(syscalls.send(fd, memory, start, end - start));
}

/** How many bytes a `send` that never blocks has taken by its result: none where there was no room, or a negated errno. */
export function takenOf(result: number): number {
  return result === -EAGAIN || result === -ENOBUFS || result === -EINTR ? 0 : result;
}

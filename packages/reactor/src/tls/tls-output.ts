import type { TLSSocket } from 'node:tls';
import { SystemCallError } from '@millrace/native';
import type { MemoryUse } from '../output/memory-use.js';
import { closeFiles, OutgoingFile } from '../output/outgoing-file.js';

/** Bytes that are handed to node:tls at a time: so often it tells that the client has taken something. */
const PIECE_BYTES = 64 << 10;
/** Bytes that node:tls has at a time. What waits there is there twice, plain and encrypted; the rest waits here. */
const WINDOW_BYTES = 256 << 10;
/** A block that small writes are gathered in holds at least so many bytes; it grows with what is queued. */
const MIN_BLOCK_BYTES = 4 << 10;

interface Block {
  readonly memory: Buffer;
  used: number;
  handed: number;
}

/** Bytes and files on their way to a TLS socket, oldest first. Bytes are copied when they are queued. */
export class TlsOutput {
  readonly #socket: TLSSocket;
  readonly #moved: () => void;
  readonly #failed: (error: unknown) => void;
  readonly #use: MemoryUse;
  readonly #items: (Block | OutgoingFile)[] = [];
  /** Bytes of memory in each piece that the socket has and the client not yet, oldest first; 0: of a file. */
  readonly #handed: number[] = [];
  #bytes = 0;
  #files = 0;
  readonly #written = (error?: Error | null) => {
    // A failure is the socket's to tell.
    if (error) return;
    this.#count(-(this.#handed.shift() ?? 0));
    this.#moved();
  };

  /**
   * `moved` is called, outside of any turn, when the kernel has taken something; then `feed` is to be called. `failed`
   * gets, outside of any turn as well, what the owner of a file has thrown.
   */
  constructor(socket: TLSSocket, moved: () => void, failed: (error: unknown) => void, use: MemoryUse) {
    this.#use = use;
    this.#socket = socket;
    this.#moved = moved;
    this.#failed = failed;
  }

  /** Bytes in memory; files do not count. */
  get bytes(): number {
    return this.#bytes;
  }

  /** How many files are queued. */
  get files(): number {
    return this.#files;
  }

  /** Whether the socket has all of it. */
  get handedOver(): boolean {
    return this.#items.length === 0;
  }

  write(memory: Uint8Array, start: number, end: number): void {
    const bytes = end - start;
    this.#count(bytes);
    const last = this.#items[this.#items.length - 1];
    if (last !== undefined && !(last instanceof OutgoingFile) && last.memory.length - last.used >= bytes) {
      last.memory.set(memory.subarray(start, end), last.used);
      last.used += bytes;
      return;
    }
    // The first one mostly goes as it is.
    const idle = this.#items.length === 0 && this.#socket.writableLength < WINDOW_BYTES;
    const block = idle ? 0 : Math.min(PIECE_BYTES, Math.max(MIN_BLOCK_BYTES, this.#bytes));
    const fresh = Buffer.allocUnsafe(Math.max(bytes, block));
    fresh.set(memory.subarray(start, end));
    this.#items.push({ memory: fresh, used: bytes, handed: 0 });
  }

  writeFile(file: OutgoingFile): void {
    this.#items.push(file);
    this.#files++;
  }

  /** Hands over as much as the socket is to have. Returns what is wrong with a file, if anything. */
  feed(): Error | undefined {
    // What is written to a destroyed socket does not count as waiting: that would never be enough.
    while (!this.#socket.destroyed && this.#socket.writableLength < WINDOW_BYTES) {
      const item = this.#items[0];
      if (item === undefined) return undefined;
      if (!(item instanceof OutgoingFile)) this.#feedBlock(item);
      else {
        const error = this.#feedFile(item);
        if (error) return error;
      }
    }
    return undefined;
  }

  /** Forgets what is queued; files learn why. */
  clear(reason: Error | undefined): void {
    this.#count(-this.#bytes);
    this.#files = 0;
    this.#handed.length = 0;
    closeFiles(this.#items.splice(0), reason);
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    this.#use.bytes += bytes;
  }

  #feedBlock(block: Block): void {
    const { memory, handed, used } = block;
    const end = Math.min(used, handed + PIECE_BYTES);
    block.handed = end;
    if (end === used) this.#items.shift();
    this.#handed.push(end - handed);
    this.#socket.write(memory.subarray(handed, end), this.#written);
  }

  #feedFile(file: OutgoingFile): Error | undefined {
    const memory = Buffer.allocUnsafe(PIECE_BYTES);
    const count = file.read(memory);
    if (count < 0) return file.failure ?? new SystemCallError('pread', -count, file.path);
    this.#handed.push(0);
    const piece = memory.subarray(0, count);
    if (!file.done) {
      this.#socket.write(piece, this.#written);
      return undefined;
    }
    this.#items.shift();
    this.#socket.write(piece, (error) => {
      this.#files = Math.max(0, this.#files - 1);
      try {
        file.close(error ?? undefined);
      } catch (thrown) {
        // Thrown from here, it would keep node:tls from telling of what was written behind the file.
        this.#failed(thrown);
      }
      this.#written(error);
    });
    return undefined;
  }
}

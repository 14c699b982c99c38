import { EAGAIN, EINTR, ENOBUFS, syscalls } from '@millrace/native';

/** Bytes that a socket did not take yet, oldest first, in chunks that were copied when they were queued. */
export class OutputQueue {
  readonly #fd: number;
  #chunks: Buffer[] = [];
  #first = 0;
  /** Bytes of the first chunk that are sent. */
  #sent = 0;
  #bytes = 0;

  constructor(fd: number) {
    this.#fd = fd;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Sends `memory[start, end)`, behind what is queued; what the kernel does not take is copied and queued. Returns 0,
   * or a negated errno when the connection is broken.
   */
  write(memory: Uint8Array, start: number, end: number): number {
    let at = start;
    if (this.#bytes === 0) {
      while (at < end) {
        const sent = syscalls.send(this.#fd, memory, at, end - at);
        if (sent > 0) at += sent;
        else if (sent === -EAGAIN || sent === -ENOBUFS) break;
        else if (sent !== -EINTR) return sent;
      }
      if (at === end) return 0;
    }
    const chunk = Buffer.allocUnsafeSlow(end - at);
    chunk.set(memory.subarray(at, end));
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    return 0;
  }

  /** Sends what it can of the queue. Returns 0, or a negated errno when the connection is broken. */
  flush(): number {
    while (this.#bytes > 0) {
      const chunk = this.#chunks[this.#first] as Buffer;
      const sent = syscalls.send(this.#fd, chunk, this.#sent, chunk.length - this.#sent);
      if (sent === -EINTR) continue;
      if (sent < 0) return sent === -EAGAIN || sent === -ENOBUFS ? 0 : sent;
      this.#bytes -= sent;
      this.#sent += sent;
      if (this.#sent === chunk.length) this.#next();
    }
    return 0;
  }

  clear(): void {
    this.#chunks = [];
    this.#first = this.#sent = this.#bytes = 0;
  }

  #next(): void {
    this.#sent = 0;
    this.#chunks[this.#first++] = NOTHING;
    if (this.#bytes === 0) this.clear();
  }
}

const NOTHING = Buffer.alloc(0);

import { NodePoller, type PollRegistration } from '@millrace/native';
import { createSocketPair, EAGAIN, SOCK_SEQPACKET, syscalls } from '@millrace/native/syscalls';
import { DATAGRAM_BYTES, LENGTH_BYTES, MAX_INLINE_BYTES } from './request-layout.js';

/** Milliseconds until the next try when the kernel has no memory or no descriptor for a request. */
const RETRY_MS = 10;

interface Request {
  readonly fd: number;
  readonly body: Buffer;
}

/**
 * Requests that no member has taken yet, in the order in which they were complete. Every member has the other end of
 * one socket pair and takes one when it is idle, so none waits behind a busy member.
 */
export class RequestQueue {
  /** The members' end. */
  readonly descriptor: number;
  readonly #fd: number;
  readonly #registration: PollRegistration;
  readonly #onSent: () => void;
  readonly #waiting: Request[] = [];
  readonly #datagram = Buffer.allocUnsafe(DATAGRAM_BYTES);
  #bytes = 0;
  #retry: NodeJS.Timeout | undefined;
  #blocked = false;
  #closed = false;

  /** `onSent` is called whenever fewer wait here than before. */
  constructor(onSent: () => void) {
    [this.#fd, this.descriptor] = createSocketPair(SOCK_SEQPACKET);
    this.#onSent = onSent;
    this.#registration = new NodePoller().add(this.#fd, () => {
      this.#registration.update({ read: false, write: false });
      this.#blocked = false;
      this.#send();
    });
    this.#registration.unref();
  }

  /** How many wait here for room in the kernel. */
  get size(): number {
    return this.#waiting.length;
  }

  /** Bytes of their bodies. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Takes over the descriptor. */
  add(fd: number, body: Buffer): void {
    this.#waiting.push({ fd, body });
    this.#bytes += body.length;
    this.#send();
  }

  /** Closes the connections of all clients that no member has taken. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#retry);
    this.#registration.close();
    for (const { fd } of this.#waiting.splice(0)) syscalls.close(fd);
    this.#bytes = 0;
    // What lies in the kernel goes when the members have closed their ends, too.
    syscalls.close(this.#fd);
    syscalls.close(this.descriptor);
  }

  #send(): void {
    if (this.#closed || this.#blocked || this.#retry !== undefined) return;
    let sent = 0;
    for (const request of this.#waiting) {
      const result = this.#sendOne(request);
      if (result < 0) {
        this.#later(result);
        break;
      }
      sent++;
      this.#bytes -= request.body.length;
      syscalls.close(request.fd);
    }
    if (sent === 0) return;
    this.#waiting.splice(0, sent);
    this.#onSent();
  }

  #sendOne({ fd, body }: Request): number {
    const inline = body.length <= MAX_INLINE_BYTES;
    this.#datagram.writeUInt32BE(body.length);
    if (inline) body.copy(this.#datagram, LENGTH_BYTES);
    const file = inline ? -1 : memoryFile(body);
    if (!inline && file < 0) return file;
    const rights = Int32Array.of(fd, file);
    const length = LENGTH_BYTES + (inline ? body.length : 0);
    const bytes = new Uint8Array(rights.buffer);
    const result = syscalls.sendRights(this.#fd, this.#datagram, length, bytes, inline ? 1 : 2);
    if (file >= 0) syscalls.close(file);
    return result;
  }

  #later(result: number): void {
    if (result === -EAGAIN) {
      this.#blocked = true;
      this.#registration.update({ read: false, write: true });
      return;
    }
    // Out of memory or descriptors, or too many are under way (ETOOMANYREFS): there is room again when some are taken.
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      this.#send();
    }, RETRY_MS).unref();
  }
}

/** A file in memory that holds `body`; a negative errno when there is no room for it. */
function memoryFile(body: Buffer): number {
  const fd = syscalls.memfd('millrace-request', body.length);
  if (fd < 0) return fd;
  for (let written = 0; written < body.length; ) {
    const count = syscalls.write(fd, body, written, body.length - written);
    if (count < 0) {
      syscalls.close(fd);
      return count;
    }
    written += count;
  }
  return fd;
}

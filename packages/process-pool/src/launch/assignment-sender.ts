import { SystemCallError } from '@millrace/native';
import { EAGAIN, EINTR, ENOBUFS, ENOMEM, ETOOMANYREFS, syscalls } from '@millrace/native/syscalls';
import * as layout from '../wire/assignment-layout.js';
import type { Assignment } from '../wire/protocol.js';

/** The kernel has no room at present, for bytes or for descriptors in flight. */
const RETRYABLE = [EAGAIN, EINTR, ENOBUFS, ENOMEM, ETOOMANYREFS];
/** Milliseconds until the next try; the child reads meanwhile. */
const RETRY_MS = 1;

export interface AssignmentSenderEvents {
  /** All of it has been sent: later messages arrive after it. */
  sent(): void;
  failed(error: Error): void;
}

/** Sends one assignment to one process, in as many datagrams as needed. */
export class AssignmentSender {
  readonly #fd: number;
  readonly #text: Buffer;
  readonly #descriptors: Int32Array;
  readonly #events: AssignmentSenderEvents;
  readonly #datagram = Buffer.allocUnsafe(layout.DATAGRAM_BYTES);
  #textSent = 0;
  #descriptorsSent = 0;
  #retry: NodeJS.Timeout | undefined;

  /** `descriptors` are those that the assignment names. */
  constructor(
    fd: number,
    assignment: Assignment,
    descriptors: readonly number[],
    events: AssignmentSenderEvents,
  ) {
    this.#fd = fd;
    this.#text = Buffer.from(JSON.stringify(assignment));
    this.#descriptors = Int32Array.from(descriptors);
    this.#events = events;
  }

  send(): void {
    for (;;) {
      const bytes = Math.min(this.#text.length - this.#textSent, layout.MAX_PIECE);
      const count = Math.min(this.#descriptors.length - this.#descriptorsSent, layout.MAX_DESCRIPTORS);
      const last =
        this.#textSent + bytes === this.#text.length &&
        this.#descriptorsSent + count === this.#descriptors.length;
      const result = this.#sendDatagram(bytes, count, last);
      if (RETRYABLE.includes(-result)) {
        this.#retry = setTimeout(() => this.send(), RETRY_MS);
        return;
      }
      if (result < 0) {
        // Asynchronously, as every other end of a process.
        const named = `descriptors ${[...this.#descriptors].join(', ')} for a child`;
        setImmediate(() => this.#events.failed(new SystemCallError('sendmsg', -result, named)));
        return;
      }
      this.#textSent += bytes;
      this.#descriptorsSent += count;
      if (last) {
        this.#events.sent();
        return;
      }
    }
  }

  /** Sends no more: the process has ended. */
  cancel(): void {
    clearTimeout(this.#retry);
  }

  #sendDatagram(bytes: number, count: number, last: boolean): number {
    this.#datagram.writeUInt32LE(last ? 0 : 1, layout.MORE_AT);
    this.#text.copy(this.#datagram, layout.HEADER_BYTES, this.#textSent, this.#textSent + bytes);
    // Never empty: the addon takes memory of no length for memory that has been given up.
    const rights = new Int32Array(Math.max(1, count));
    rights.set(this.#descriptors.subarray(this.#descriptorsSent, this.#descriptorsSent + count));
    const length = layout.HEADER_BYTES + bytes;
    return syscalls.sendRights(this.#fd, this.#datagram, length, new Uint8Array(rights.buffer), count);
  }
}

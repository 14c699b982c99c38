import type { QueueError } from '../errors.js';

/** What a port reports. */
export interface PortEvents {
  /** There may be a message for `selector`, which is watched. May be spurious; comes again while it is true. */
  readable(selector: number): void;
  /** The message of `sendWhenRoom` has gone out. */
  sent(): void;
  /** The queue is gone or cannot be used any more. */
  failed(error: QueueError): void;
}

/**
 * One queue of the kernel, opened in this process: what the two kinds have in common, without waiting lines, promises
 * or codecs. A number goes with each message, its tag: the priority (POSIX) or the type (System V).
 *
 * Notes. Nothing blocks the caller. Messages are composed in `outgoing` and found in `incoming`, memory of the port
 * that is filled anew for each; nothing is allocated per message. One message at a time waits for room.
 */
export interface QueuePort {
  /** The queue as messages for people name it. */
  readonly title: string;
  /** Largest message in bytes. */
  readonly messageSize: number;
  /** A message to be sent goes to `outgoing`, from `outgoingStart` on. */
  readonly outgoing: Buffer;
  readonly outgoingStart: number;
  /** A received message is in `incoming`, from `incomingStart` on, until the next is received. */
  readonly incoming: Buffer;
  readonly incomingStart: number;
  /** The tag of the message received last. */
  readonly tag: number;

  start(events: PortEvents): void;
  /** Sends the `length` bytes of `outgoing`; false: there is no room. Throws {@link QueueError}. */
  trySend(length: number, tag: number): boolean;
  /** Sends them as soon as there is room; they are copied. `sent` follows. Only while no other message waits. */
  sendWhenRoom(length: number, tag: number): void;
  /** Takes the waiting message back; false when it has gone out, and then `sent` does not follow. */
  withdraw(): boolean;
  /** Receives a message; its length, or -1 when there is none. `selector` 0: any. Throws {@link QueueError}. */
  tryReceive(selector: number): number;
  /** Starts and stops the reports of `readable` for `selector`. */
  watch(selector: number, on: boolean): void;
  /** How many messages are there. */
  count(): number;
  /** Whether waiting keeps the loop alive; it does unless told otherwise. */
  setRef(on: boolean): void;
  /** Idempotent; the queue and its messages stay. */
  close(): void;
}

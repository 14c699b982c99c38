import { copyBytes } from '../memory/copying.js';

/**
 * One message on its way out, as two pieces that follow one another: a small head and a body. Codecs and transports
 * pass one instance along and fill it anew for each message; copy the bytes to keep them longer.
 */
export class Frame {
  head: Uint8Array = EMPTY;
  headLength = 0;
  body: Uint8Array = EMPTY;
  bodyStart = 0;
  bodyEnd = 0;

  get length(): number {
    return this.headLength + (this.bodyEnd - this.bodyStart);
  }

  /** Copies the frame to `target` at `offset`, which has room for it. */
  copyTo(target: Uint8Array, offset: number): void {
    if (this.headLength > 0) copyBytes(this.head, 0, this.headLength, target, offset);
    copyBytes(this.body, this.bodyStart, this.bodyEnd, target, offset + this.headLength);
  }

  /** Makes this frame the bytes of `body` without a head. */
  setBody(body: Uint8Array, start = 0, end = body.length): void {
    this.headLength = 0;
    this.body = body;
    this.bodyStart = start;
    this.bodyEnd = end;
  }
}

const EMPTY = new Uint8Array(0);

/** A visitor wants the next message of the batch as well. */
export const CONTINUE: VisitAction = true;
/** The batch ends with this message: the channel has been closed or paused meanwhile, perhaps the memory given up. */
export const BREAK: VisitAction = false;
export type VisitAction = boolean;

/** Takes one received message: `memory[start, end)`, valid only during the call. Says what is to come after it. */
export type FrameVisitor = (memory: Buffer, start: number, end: number) => VisitAction;

/** What a transport tells the channel above it. */
export interface TransportEvents {
  /** There may be something to `receive`. May be spurious. */
  readable(): void;
  /**
   * Whether what is received now goes to promises, whose turn comes once the current callback is over. A transport that
   * waits for the next message in that callback is then the one that keeps this one from being handled.
   */
  readonly awaited?: boolean;
  /** A `trySend` that said no may be tried again. May be spurious. */
  writable(): void;
  /** Something has arrived that is no message of the transport's, and was skipped. */
  badMessage?(error: unknown): void;
  /** The last peer has gone, what it sent is not received yet, and nothing reads. Reported after `watchEnd` alone. */
  gone?(): void;
  /** The last peer has gone and everything it sent has been received; or the transport failed, with the reason. */
  ended(error?: Error): void;
}

/**
 * What a mechanism does for a {@link Channel}: moves whole messages of bytes, without blocking, without allocating
 * for each message. Queues, codecs, waiting and iteration are the channel's.
 *
 * Notes. `trySend` takes a message whole or not at all, and in order. What was taken is visible to the peer after the
 * next `flush`, at the latest; it may be earlier. `receive` marks a message as taken before it is visited, so that a
 * reader that dies in the visitor loses that message and no other. Nothing here is safe to use from two threads.
 */
export interface Transport {
  /** Largest message in bytes. */
  readonly maxMessageSize: number;
  /** Starts to report; called once, before anything else. */
  start(events: TransportEvents): void;
  trySend(frame: Frame): boolean;
  flush(): void;
  /** Bytes taken by `trySend` that wait inside the transport for room in the kernel or the segment. */
  readonly pendingBytes: number;
  /**
   * Bytes that the other side has not taken, and how many it has taken since the start, modulo 2^32. Missing where that
   * cannot be seen.
   */
  readonly unreadBytes?: number;
  readonly takenBytes?: number;
  /** Visits up to `limit` messages that are there, fewer when the visitor returns false; returns how many. */
  receive(visit: FrameVisitor, limit: number): number;
  /** The reader has polled in vain, and may poll again soon: it need not be woken then. Missing where waking is cheap. */
  looked?(): void;
  /**
   * Whether something has been taken that is not visited yet: a message of which the beginning has come, or one behind
   * another. It is lost with this reader. Missing where that cannot be.
   */
  readonly hasUnfinished?: boolean;
  /** Reports the peer's end also while nothing reads. Missing where there is no peer that could end. */
  watchEnd?(): void;
  /** Stops and resumes the reports of `readable`. */
  setReading(on: boolean): void;
  ref(): void;
  unref(): void;
  /** Gives up what the transport holds in this process; idempotent. What the peer has not read may stay readable. */
  close(): void;
}

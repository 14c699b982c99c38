import { channel as diagnostics } from 'node:diagnostics_channel';
import { tmpdir } from 'node:os';
import {
  BREAK,
  CONTINUE,
  type Frame,
  type FrameVisitor,
  type Transport,
  type TransportEvents,
  type VisitAction,
} from '@millrace/channel';
import { SystemCallError } from '@millrace/native';
import { QueueError } from '../errors.js';
import type { QueuePort } from '../queue/port.js';
import * as layout from './message-layout.js';
import { SpillDirectory } from './spill-directory.js';
import { queueToken } from './spill-name.js';

export interface QueueTransportOptions {
  /** Where payloads go that are larger than a message; the same on both sides. Default `os.tmpdir()`. */
  readonly directory?: string;
  /** Largest payload in bytes. Default 64 MiB. */
  readonly maxMessageSize?: number;
  /** Milliseconds that a file of a dead writer is left for a reader that has just taken its message. Default 1,000. */
  readonly sweepGrace?: number;
}

/** One direction of a transport: a queue that was opened, what closes it, and what its token is made of. */
export interface Direction {
  readonly port: QueuePort;
  readonly identity: string;
  close(): void;
}

/** What is published for each message that is none, on the diagnostics channel {@link BAD_MESSAGE_CHANNEL}. */
export interface BadMessage {
  readonly queue: string;
  readonly error: QueueError;
}

/** What is published after a start's sweep that found or failed something, on {@link SWEEP_CHANNEL}. */
export interface Sweep {
  readonly queue: string;
  readonly directory: string;
  /** Files of dead writers that were removed. */
  readonly removed: number;
  /** Why the directory could not be swept. */
  readonly error?: Error;
}

export const BAD_MESSAGE_CHANNEL = 'millrace:msg-queue:bad-message';
export const SWEEP_CHANNEL = 'millrace:msg-queue:sweep';

const DEFAULT_MAX_MESSAGE_SIZE = 64 << 20;
const DEFAULT_SWEEP_GRACE_MS = 1_000;
/** Messages that are none, skipped before the loop gets its turn. */
const MAX_SKIPPED = 256;
const badMessages = diagnostics(BAD_MESSAGE_CHANNEL);
const sweeps = diagnostics(SWEEP_CHANNEL);

/**
 * A {@link Transport} over two queues, one for each direction; or one queue, and then it only sends or receives.
 *
 * Notes. A message of the channel is one of the queue; several may send to a queue, several may receive from it, and
 * each message goes to one of them. One message that the queue has no room for waits inside, and dies with the
 * process, as those that wait in the channel do. Queues do not end: the end of the other side is not reported.
 */
export class QueueTransport implements Transport {
  readonly maxMessageSize: number;
  readonly #out: Direction | undefined;
  readonly #in: Direction | undefined;
  readonly #outFiles: SpillDirectory;
  readonly #inFiles: SpillDirectory;
  readonly #tag: number;
  readonly #selector: number;
  readonly #sweepGrace: number;
  readonly #stop = new AbortController();
  #events: TransportEvents | undefined;
  /** Bytes of the message that waits for room, with its header and its payload, wherever that is; 0: none does. */
  #waiting = 0;
  #waitingFile: string | undefined;
  #bad = 0;
  #swept = 0;
  #closed = false;
  /** What the visitor of the last message said. */
  #action: VisitAction = CONTINUE;

  protected constructor(
    outgoing: Direction | undefined,
    incoming: Direction | undefined,
    tag: number,
    selector: number,
    options: QueueTransportOptions,
  ) {
    this.maxMessageSize = options.maxMessageSize ?? DEFAULT_MAX_MESSAGE_SIZE;
    const directory = options.directory ?? tmpdir();
    const files = (of: Direction | undefined) =>
      new SpillDirectory(directory, queueToken(of?.identity ?? ''), this.maxMessageSize);
    this.#out = outgoing;
    this.#in = incoming;
    this.#outFiles = files(outgoing);
    this.#inFiles = files(incoming);
    this.#tag = tag;
    this.#selector = selector;
    this.#sweepGrace = options.sweepGrace ?? DEFAULT_SWEEP_GRACE_MS;
    if (outgoing !== undefined && outgoing.port.messageSize < layout.MIN_MESSAGE_BYTES) {
      throw new QueueError(
        'ERR_MILLRACE_QUEUE_ARGUMENT',
        `A channel needs messages of ${layout.MIN_MESSAGE_BYTES} bytes; ${outgoing.port.title} was made for ` +
          `${outgoing.port.messageSize}.`,
      );
    }
  }

  /** Arrivals that were no message and have been skipped. */
  get bad(): number {
    return this.#bad;
  }

  /** Files of dead writers that were removed when this end started. */
  get swept(): number {
    return this.#swept;
  }

  /** Messages of the incoming queue that no reader has taken. */
  get pendingIncoming(): number {
    return this.#in?.port.count() ?? 0;
  }

  get pendingBytes(): number {
    return this.#waiting;
  }

  start(events: TransportEvents): void {
    this.#events = events;
    const failed = (error: QueueError) => this.#events?.ended(error);
    this.#out?.port.start({ readable: () => {}, sent: () => this.#sent(), failed });
    this.#in?.port.start({ readable: () => this.#readable(), sent: () => {}, failed });
    if (this.#in !== undefined) this.#sweep(this.#inFiles, this.#in.port);
    if (this.#out !== undefined) this.#sweep(this.#outFiles, this.#out.port);
  }

  trySend(frame: Frame): boolean {
    if (this.#out === undefined) {
      throw new QueueError(
        'ERR_MILLRACE_QUEUE_ACCESS',
        'This channel only receives: it has no outgoing queue.',
      );
    }
    if (this.#waiting > 0) return false;
    const { port } = this.#out;
    const inline = layout.HEADER_BYTES + frame.length <= port.messageSize;
    const file = inline ? undefined : this.#outFiles.write(frame);
    const length = file === undefined ? composeInline(port, frame) : composeSpilled(port, frame.length, file);
    try {
      if (port.trySend(length, this.#tag)) return true;
      port.sendWhenRoom(length, this.#tag);
    } catch (error) {
      if (file !== undefined) this.#outFiles.remove(file);
      throw error;
    }
    this.#waiting = layout.HEADER_BYTES + frame.length;
    this.#waitingFile = file;
    return true;
  }

  /** Nothing is gathered: a message that was taken is in the queue, or goes there as soon as there is room. */
  flush(): void {}

  receive(visit: FrameVisitor, limit: number): number {
    if (this.#in === undefined) return 0;
    const { port } = this.#in;
    let visited = 0;
    this.#action = CONTINUE;
    for (
      let skipped = 0;
      visited < limit && skipped < MAX_SKIPPED && this.#action !== BREAK && !this.#closed;
    ) {
      const length = port.tryReceive(this.#selector);
      if (length < 0) break;
      if (this.#visit(port, length, visit)) visited++;
      else skipped++;
    }
    return visited;
  }

  setReading(on: boolean): void {
    if (!this.#closed) this.#in?.port.watch(this.#selector, on);
  }

  ref(): void {
    this.#out?.port.setRef(true);
    this.#in?.port.setRef(true);
  }

  unref(): void {
    this.#out?.port.setRef(false);
    this.#in?.port.setRef(false);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stop.abort();
    if (this.#out?.port.withdraw() && this.#waitingFile !== undefined)
      this.#outFiles.remove(this.#waitingFile);
    this.#outFiles.close();
    this.#inFiles.close();
    this.#out?.close();
    this.#in?.close();
  }

  #visit(port: QueuePort, length: number, visit: FrameVisitor): boolean {
    const { incoming: memory, incomingStart: at } = port;
    const kind = layout.readKind(memory, at, length);
    if (kind === layout.INLINE) {
      this.#action = visit(memory, at + layout.HEADER_BYTES, at + length);
      return true;
    }
    let payload: Buffer;
    try {
      if (kind === undefined) throw noMessage(port.title, length);
      const size = Number(memory.readBigUInt64LE(at + layout.LENGTH_AT));
      payload = this.#inFiles.take(memory.toString('latin1', at + layout.NAME_AT, at + length), size);
    } catch (error) {
      if (!(error instanceof QueueError) || error.code !== 'ERR_MILLRACE_QUEUE_BAD_MESSAGE') throw error;
      this.#reportBad(port.title, error);
      return false;
    }
    this.#action = visit(payload, 0, payload.length);
    return true;
  }

  #reportBad(queue: string, error: QueueError): void {
    this.#bad++;
    if (badMessages.hasSubscribers) badMessages.publish({ queue, error } satisfies BadMessage);
    this.#events?.badMessage?.(error);
  }

  #readable(): void {
    this.#guard(() => this.#events?.readable());
  }

  #sent(): void {
    this.#waiting = 0;
    this.#waitingFile = undefined;
    this.#guard(() => this.#events?.writable());
  }

  /** What fails while the loop calls has no caller to throw to: it ends the channel, and says why. */
  #guard(call: () => void): void {
    try {
      call();
    } catch (error) {
      if (!(error instanceof QueueError) && !(error instanceof SystemCallError)) throw error;
      this.#events?.ended(error);
    }
  }

  /** Sweeping is a courtesy of the start, so where it fails it is reported, and the channel works on. */
  #sweep(files: SpillDirectory, port: QueuePort): void {
    const isEmpty = () => !this.#closed && port.count() === 0;
    const report = (removed: number, error?: Error) =>
      sweeps.publish({
        queue: port.title,
        directory: files.path,
        removed,
        ...(error && { error }),
      } satisfies Sweep);
    files.sweep(isEmpty, this.#sweepGrace, this.#stop.signal).then(
      (removed) => {
        this.#swept += removed;
        if (removed > 0) report(removed);
      },
      (error: Error) => {
        if (!this.#closed) report(0, error);
      },
    );
  }
}

function composeInline(port: QueuePort, frame: Frame): number {
  const { outgoing, outgoingStart: at } = port;
  layout.writeHeader(outgoing, at, layout.INLINE);
  frame.copyTo(outgoing, at + layout.HEADER_BYTES);
  return layout.HEADER_BYTES + frame.length;
}

function composeSpilled(port: QueuePort, payloadLength: number, file: string): number {
  const { outgoing, outgoingStart: at } = port;
  layout.writeHeader(outgoing, at, layout.SPILLED);
  outgoing.writeBigUInt64LE(BigInt(payloadLength), at + layout.LENGTH_AT);
  return layout.NAME_AT + outgoing.write(file, at + layout.NAME_AT, 'latin1');
}

function noMessage(queue: string, length: number): QueueError {
  return new QueueError(
    'ERR_MILLRACE_QUEUE_BAD_MESSAGE',
    `${queue} held ${length} bytes that are no message of a channel; they were skipped. Another program sends to this queue.`,
  );
}

import { Frame, msgpackCodec, type TransportChannel, type WaitOptions } from '@millrace/channel';
import { openPipe } from '@millrace/pipe-ipc';
import { type BusMessage, busCodec, MAX_NAME } from './bus-codec.js';

/** Values that this process has sent to itself and that wait for its handler; more are refused. */
const MAX_OWN = 100_000;

/**
 * Sends messages to the members of the pool by name, this one included.
 *
 * Notes. Messages of one member to another arrive in the order sent, whole, once or, when the reader dies, perhaps not
 * at all. Any size up to 64 MiB goes. A value for this process itself is copied as any other is.
 */
export class Bus {
  readonly #name: string;
  readonly #channel: TransportChannel<BusMessage>;
  readonly #codec = msgpackCodec<unknown>();
  readonly #frame = new Frame();
  readonly #own: unknown[] = [];
  #onMessage: ((value: unknown, from: string) => void) | undefined;
  #onUndelivered = (to: string) =>
    process.emitWarning(
      `A message for '${to}' was not delivered: the pool keeps no member of that name alive.`,
    );
  #open = false;
  #ownScheduled = false;

  /** @internal */
  constructor(name: string, fd: number) {
    this.#name = name;
    this.#channel = openPipe<BusMessage>(fd, { codec: busCodec() });
    this.#channel.pause();
    this.#channel.unref();
    this.#channel.on('message', (message) => this.#take(message));
  }

  /**
   * Sends to the member of this name. False: accepted, but slow down; `drained` resolves when to go on. Throws
   * `ERR_MILLRACE_UNSENDABLE`, `_MESSAGE_TOO_LARGE` or `_CHANNEL_FULL`; then nothing was accepted.
   */
  send(to: string, value: unknown): boolean {
    if (Buffer.byteLength(to) > MAX_NAME)
      throw new RangeError(
        `The name of a member has at most ${MAX_NAME} bytes, not ${Buffer.byteLength(to)}.`,
      );
    this.#codec.encode(value, this.#frame);
    const { body, bodyStart, bodyEnd } = this.#frame;
    const bytes = Buffer.from(body.buffer, body.byteOffset + bodyStart, bodyEnd - bodyStart);
    if (to === this.#name) return this.#sendSelf(bytes);
    const more = this.#channel.send({ name: to, value: bytes });
    this.#channel.flush();
    return more;
  }

  /** Resolves once nothing waits in this process to be sent. */
  drained(options?: WaitOptions): Promise<void> {
    return this.#channel.drained(options);
  }

  /** Handles each message, with the name of its sender; earlier ones wait for the handler. Keeps the process alive. */
  onMessage(listener: (value: unknown, from: string) => void): void {
    this.#onMessage = listener;
    this.#channel.ref();
    this.#read();
    this.#deliverOwnSoon();
  }

  /** Handles a message that could not be delivered. Default: a warning. */
  onUndelivered(listener: (to: string) => void): void {
    this.#onUndelivered = listener;
  }

  /** @internal The previous process of the member has ended: this one reads from now on. */
  open(): void {
    this.#open = true;
    this.#read();
  }

  /** @internal */
  undelivered(to: string): void {
    this.#onUndelivered(to);
  }

  /** @internal Leaves later messages to the next process. */
  leave(): void {
    this.#open = false;
    this.#channel.pause();
  }

  #read(): void {
    if (this.#open && this.#onMessage) this.#channel.resume();
  }

  /** The parent does not decode values, so an invalid one arrives here. */
  #take({ name: from, value }: BusMessage): void {
    let decoded: unknown;
    try {
      decoded = this.#codec.decode(value, 0, value.length);
    } catch (error) {
      const message = `A message from ${from} cannot be decoded and is dropped: ${(error as Error).message}`;
      process.emitWarning(message, { code: 'MILLRACE_BAD_MESSAGE' });
      return;
    }
    this.#onMessage?.(decoded, from);
  }

  #sendSelf(bytes: Buffer): boolean {
    if (this.#own.length >= MAX_OWN)
      throw new RangeError(
        `${this.#name} has ${MAX_OWN} messages to itself that it has not handled; no more are accepted.`,
      );
    this.#own.push(this.#codec.decode(bytes, 0, bytes.length));
    this.#deliverOwnSoon();
    return true;
  }

  #deliverOwnSoon(): void {
    if (this.#ownScheduled || this.#own.length === 0 || !this.#onMessage) return;
    this.#ownScheduled = true;
    setImmediate(() => {
      this.#ownScheduled = false;
      for (const value of this.#own.splice(0)) this.#onMessage?.(value, this.#name);
    });
  }
}

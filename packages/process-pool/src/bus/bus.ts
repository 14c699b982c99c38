import { Frame, msgpackCodec, type TransportChannel, type WaitOptions } from '@millrace/channel';
import { openPipe } from '@millrace/pipe-ipc';
import { type BusMessage, busCodec, MAX_NAME } from './bus-codec.js';

/** Values that are for this process itself, and wait for its listener; more are refused. */
const MAX_OWN = 100_000;

/**
 * A member's way to every other member of its pool, and to itself, by name.
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
    process.emitWarning(`A message for '${to}' has found nobody: no member of that name is kept alive.`);
  #open = false;
  #ownScheduled = false;

  /** @internal */
  constructor(name: string, fd: number) {
    this.#name = name;
    this.#channel = openPipe<BusMessage>(fd, { codec: busCodec() });
    this.#channel.pause();
    this.#channel.unref();
    this.#channel.onMessage((message) => this.#take(message));
  }

  /**
   * Sends to the member of this name. False: accepted, but much waits; `drained` tells when to go on. Throws
   * `ERR_MILLRACE_UNSENDABLE`, `_MESSAGE_TOO_LARGE` or `_CHANNEL_FULL`; then nothing was accepted.
   */
  send(to: string, value: unknown): boolean {
    if (Buffer.byteLength(to) > MAX_NAME)
      throw new RangeError(`The name of a member has at most ${MAX_NAME} bytes.`);
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

  /** Called for each message, with the name of its sender; what came before waits for it. Keeps the process alive. */
  onMessage(listener: (value: unknown, from: string) => void): void {
    this.#onMessage = listener;
    this.#channel.ref();
    this.#read();
    this.#deliverOwnSoon();
  }

  /** Called for a message that has found nobody. Default: a warning. */
  onUndelivered(listener: (to: string) => void): void {
    this.#onUndelivered = listener;
  }

  /** @internal The process before this one has ended: this one reads now. */
  open(): void {
    this.#open = true;
    this.#read();
  }

  /** @internal */
  undelivered(to: string): void {
    this.#onUndelivered(to);
  }

  /** @internal Leaves what comes to the next process. */
  leave(): void {
    this.#open = false;
    this.#channel.pause();
  }

  #read(): void {
    if (this.#open && this.#onMessage) this.#channel.resume();
  }

  /** The parent passes values on without a look at them. */
  #take({ name: from, value }: BusMessage): void {
    let decoded: unknown;
    try {
      decoded = this.#codec.decode(value, 0, value.length);
    } catch (error) {
      const message = `A message of ${from} cannot be read, and is dropped: ${(error as Error).message}`;
      process.emitWarning(message, { code: 'MILLRACE_BAD_MESSAGE' });
      return;
    }
    this.#onMessage?.(decoded, from);
  }

  #sendSelf(bytes: Buffer): boolean {
    if (this.#own.length >= MAX_OWN)
      throw new RangeError(`${MAX_OWN} messages of ${this.#name} to itself wait already; no more are taken.`);
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

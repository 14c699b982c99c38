import {
  ChannelError,
  Frame,
  msgpackCodec,
  type TransportChannel,
  type WaitOptions,
} from '@millrace/channel';
import { checkHandler, HandlerList } from '@millrace/channel/internal';
import { openPipe } from '@millrace/pipe-ipc';
import { ProcessPoolError } from '../errors.js';
import { type BusMessage, busCodec, MAX_NAME } from './bus-codec.js';

/** Values that this process has sent to itself and that wait for its handler; more are refused. */
const MAX_OWN = 100_000;

/** A message as it arrives. */
export interface BusArrival {
  readonly value: unknown;
  /** The name of the member that has sent it. */
  readonly from: string;
}

/** What the handlers that {@link Bus.on} adds are called for. */
export interface BusEvents {
  /** Each message; those that came before the first handler wait for it. A handler for it keeps the process alive. */
  message: (message: BusArrival) => void;
  /** A message could not be delivered: the pool keeps no member of that name alive. Without a handler it is a warning. */
  undelivered: (to: string) => void;
}

const EVENTS: readonly (keyof BusEvents)[] = ['message', 'undelivered'];

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
  readonly #handlers = {
    message: new HandlerList<BusArrival>(),
    undelivered: new HandlerList<string>(),
  };
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
   * Sends to the member of this name. False: accepted, but slow down; `drained` resolves when to go on. Undefined: not accepted,
   * since the pool has ended. Throws
   * `ERR_MILLRACE_UNSENDABLE`, `_MESSAGE_TOO_LARGE`, `_CHANNEL_FULL` or `_POOL_ARGUMENT` for a name that is too long; then nothing was accepted.
   */
  send(to: string, value: unknown): boolean | undefined {
    const nameBytes = Buffer.byteLength(to);
    if (nameBytes > MAX_NAME)
      throw new ProcessPoolError(
        'ERR_MILLRACE_POOL_ARGUMENT',
        `The name of a member has at most ${MAX_NAME} bytes, not ${nameBytes}.`,
        { value: to, limit: MAX_NAME },
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

  on<Name extends keyof BusEvents>(name: Name, handler: BusEvents[Name]): this {
    checkHandler(name, handler, EVENTS, 'The bus');
    this.#handlersOf(name).add(handler);
    if (name === 'message') this.#handlersChanged();
    return this;
  }

  off<Name extends keyof BusEvents>(name: Name, handler: BusEvents[Name]): this {
    checkHandler(name, handler, EVENTS, 'The bus');
    this.#handlersOf(name).remove(handler);
    if (name === 'message') this.#handlersChanged();
    return this;
  }

  /** The compiler has compared the handler with the event. */
  #handlersOf(name: keyof BusEvents): HandlerList<unknown> {
    return this.#handlers[name] as HandlerList<unknown>;
  }

  #handlersChanged(): void {
    if (this.#handlers.message.call === undefined) {
      this.#channel.pause();
      this.#channel.unref();
      return;
    }
    this.#channel.ref();
    this.#read();
    this.#deliverOwnSoon();
  }

  /** @internal The previous process of the member has ended: this one reads from now on. */
  open(): void {
    this.#open = true;
    this.#read();
  }

  /** @internal */
  undelivered(to: string): void {
    const { call } = this.#handlers.undelivered;
    if (call) call(to);
    else
      process.emitWarning(
        `A message for '${to}' was not delivered: the pool keeps no member of that name alive.`,
      );
  }

  /** @internal Leaves later messages to the next process. */
  leave(): void {
    this.#open = false;
    this.#channel.pause();
  }

  #read(): void {
    if (this.#open && this.#handlers.message.call) this.#channel.resume();
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
    this.#handlers.message.call?.({ value: decoded, from });
  }

  #sendSelf(bytes: Buffer): boolean {
    if (this.#own.length >= MAX_OWN)
      throw new ChannelError(
        'ERR_MILLRACE_CHANNEL_FULL',
        `${this.#name} has ${MAX_OWN} messages to itself that it has not handled; no more are accepted.`,
        { limit: MAX_OWN },
      );
    this.#own.push(this.#codec.decode(bytes, 0, bytes.length));
    this.#deliverOwnSoon();
    return true;
  }

  #deliverOwnSoon(): void {
    if (this.#ownScheduled || this.#own.length === 0 || !this.#handlers.message.call) return;
    this.#ownScheduled = true;
    setImmediate(() => {
      this.#ownScheduled = false;
      const { call } = this.#handlers.message;
      // Without a handler any more they wait for the next one.
      if (call) for (const value of this.#own.splice(0)) call({ value, from: this.#name });
    });
  }
}

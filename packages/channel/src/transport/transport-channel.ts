import {
  checkOptions,
  checkReceiveOptions,
  checkWaitOptions,
  optionNames,
} from '../arguments/option-names.js';
import type { Codec } from '../codec/codec.js';
import type {
  Channel,
  ChannelEvents,
  ChannelStats,
  ReceiveOptions,
  WaitOptions,
} from '../interface/channel.js';
import { BREAK, CONTINUE, Frame, type Transport, type VisitAction } from '../interface/transport.js';
import { checkSignal, checkTimeout, checkWait } from '../waiting/deadline.js';
import { WaitList } from '../waiting/wait-list.js';
import { type ChannelOptions, CLOSE_TIMEOUT_MS, withDefaults } from './channel-options.js';
import { checkHandler, HandlerList } from './handler-list.js';
import { NOTHING, OneShotReader } from './one-shot-reader.js';
import { borrowsError, closedError, full, listeningError, tooLarge } from './refusals.js';
import { SendQueue } from './send-queue.js';

const EVENTS: readonly (keyof ChannelEvents<unknown>)[] = ['message', 'drain', 'close', 'badMessage'];
const MESSAGES_OPTIONS = optionNames<Pick<WaitOptions, 'signal'>>({ signal: true });

/** A {@link Channel} over any {@link Transport}: queueing, flushing, codec, waiting and iteration, written once. */
export class TransportChannel<Out, In = Out> implements Channel<Out, In> {
  readonly #transport: Transport;
  readonly #codec: Codec<Out, In>;
  readonly #highWaterMark: number;
  readonly #hardLimit: number;
  readonly #batch: number;
  readonly #schedule: (flush: () => void) => void;

  readonly #frame = new Frame();
  readonly #queue = new SendQueue();
  readonly #counts = { sent: 0, sentBytes: 0, received: 0, receivedBytes: 0, bad: 0, congestions: 0 };
  readonly #next = new OneShotReader<In>();
  readonly #drains = new WaitList<void>();
  readonly #receivers = new WaitList<In | typeof NOTHING>();
  readonly #visit = (memory: Buffer, start: number, end: number) => this.#take(memory, start, end);
  readonly #flushNow = () => this.flush();

  readonly #handlers = {
    // Closed by one handler, the channel may have given up the memory that a view for the next one lies in.
    message: new HandlerList<In>(() => this.#closed),
    drain: new HandlerList<void>(),
    close: new HandlerList<Error | undefined>(),
    badMessage: new HandlerList<unknown>(),
  };
  /** Where a message goes: to the handlers, or to the one who takes a single one; undefined: to those that wait. */
  #deliver: ((value: In) => void) | undefined;
  /** The channel has been read, or a reader waits. */
  #wasRead = false;
  /** The end of the other side has been told to a channel that was never read. */
  #peerGone = false;
  #endedBy: Error | undefined;
  #flushScheduled = false;
  #congested = false;
  #paused = false;
  /** Settles the wait for the rest of a message that has been taken in part. */
  #finished: (() => void) | undefined;
  #closing = false;
  #closed = false;

  constructor(transport: Transport, codec: Codec<Out, In>, options: ChannelOptions = {}) {
    this.#transport = transport;
    this.#codec = codec;
    const { highWaterMark, hardLimit, batch, schedule } = withDefaults(options);
    this.#highWaterMark = highWaterMark;
    this.#hardLimit = hardLimit;
    this.#batch = batch;
    this.#schedule = schedule;
    const awaited = () => this.#deliver === undefined;
    transport.start({
      get awaited() {
        return awaited();
      },
      readable: () => this.#readable(),
      writable: () => this.#pump(),
      gone: () => {
        // A channel that is read reports the end after what was sent; for a listener of the end alone, this is the end.
        if (this.#wasRead) return;
        this.#peerGone = true;
        this.#tellEnd();
      },
      badMessage: (error) => this.#skipped(error),
      ended: (error) => this.#end(error),
    });
    transport.setReading(false);
  }

  get maxMessageSize(): number {
    return this.#transport.maxMessageSize;
  }

  get closed(): boolean {
    return this.#closed;
  }

  get writable(): boolean {
    return !this.#congested && !this.#closing && !this.#closed;
  }

  /** Bytes that wait in this process for the transport to have room, with a few for each message; 0: nothing waits. */
  get queuedBytes(): number {
    return this.#queue.bytes + this.#transport.pendingBytes;
  }

  /** @internal Bytes in the transport that the other side has not taken; 0 also where that cannot be seen. */
  get unreadBytes(): number {
    return this.#transport.unreadBytes ?? 0;
  }

  /** @internal A number that changes as the other side takes what is sent, where that can be seen. */
  get takenBytes(): number {
    return this.#transport.takenBytes ?? 0;
  }

  send(value: Out): boolean | undefined {
    if (this.#closing || this.#closed) return undefined;
    const frame = this.#frame;
    this.#codec.encode(value, frame);
    const length = frame.length;
    if (length > this.#transport.maxMessageSize) throw tooLarge(length, this.#transport.maxMessageSize);
    if (!this.#queue.empty || !this.#transport.trySend(frame)) {
      if (this.queuedBytes > this.#hardLimit) throw full(this.queuedBytes, this.#hardLimit);
      this.#queue.push(frame);
    }
    this.#counts.sent++;
    this.#counts.sentBytes += length;
    if (!this.#flushScheduled) {
      this.#flushScheduled = true;
      this.#schedule(this.#flushNow);
    }
    if (!this.#congested && this.queuedBytes > this.#highWaterMark) this.#checkCongestion();
    return !this.#congested;
  }

  flush(): void {
    this.#flushScheduled = false;
    if (!this.#closed) this.#transport.flush();
  }

  async drained(options?: WaitOptions): Promise<void> {
    if (options !== undefined) {
      checkWaitOptions(options, 'drained()');
      checkWait(options);
    }
    if (this.#closed) throw closedError();
    this.flush();
    if (this.queuedBytes > 0) await this.#drains.wait('Draining the channel', options);
  }

  on<Name extends keyof ChannelEvents<In>>(name: Name, handler: ChannelEvents<In>[Name]): this {
    checkHandler(name, handler, EVENTS, 'A channel');
    this.#handlersOf(name).add(handler);
    if (name === 'message') this.#deliverToHandlers();
    else if (name === 'close') this.#watchEnd();
    return this;
  }

  off<Name extends keyof ChannelEvents<In>>(name: Name, handler: ChannelEvents<In>[Name]): this {
    checkHandler(name, handler, EVENTS, 'A channel');
    this.#handlersOf(name).remove(handler);
    if (name === 'message') this.#deliverToHandlers();
    return this;
  }

  /** The compiler has compared the handler with the event. */
  #handlersOf(name: keyof ChannelEvents<In>): HandlerList<unknown> {
    return this.#handlers[name] as HandlerList<unknown>;
  }

  #deliverToHandlers(): void {
    this.#deliver = this.#handlers.message.call;
    if (this.#deliver !== undefined) this.#wasRead = true;
    if (!this.#paused && !this.#closed) this.#transport.setReading(this.#isWanted);
  }

  #watchEnd(): void {
    // After this call, as every other end comes.
    if (this.#closed || (this.#peerGone && !this.#wasRead))
      queueMicrotask(() => this.#tellEnd(this.#endedBy));
    else this.#transport.watchEnd?.();
  }

  /** Whether a message that is taken now has someone to go to. */
  get #isWanted(): boolean {
    return this.#deliver !== undefined || this.#receivers.size > 0;
  }

  /** Delivers to the handlers whatever is there now, without waiting for the loop to say so. */
  deliverNow(): void {
    if (!this.#deliver || this.#paused) return;
    while (!this.#closed && !this.#paused && this.#transport.receive(this.#visit, this.#batch) > 0);
  }

  receive(options?: WaitOptions): Promise<In | undefined>;
  receive<None>(options: ReceiveOptions<None>): Promise<In | None>;
  async receive(options?: ReceiveOptions<unknown>): Promise<unknown> {
    if (options !== undefined) checkReceiveOptions(options, 'receive()');
    const message = await this.#receive(options);
    return message === NOTHING ? options?.none : message;
  }

  async #receive(options?: WaitOptions): Promise<In | typeof NOTHING> {
    if (options !== undefined) checkWait(options);
    const taken = this.#takeNow();
    if (taken !== NOTHING) return taken;
    if (this.#closed) return NOTHING;
    const message = this.#receivers.wait('Receiving a message', options);
    if (!this.#paused && this.#receivers.size > 0) this.#transport.setReading(true);
    return message;
  }

  tryReceive(): In | undefined;
  tryReceive<None>(none: None): In | None;
  tryReceive(none?: unknown): unknown {
    // A caller that polls never comes to the end of its batch.
    if (this.#flushScheduled && !this.#closed) this.#transport.flush();
    const taken = this.#takeNow();
    if (taken !== NOTHING) return taken;
    this.#transport.looked?.();
    return none;
  }

  /** The next message if it is there and no earlier reader waits for it. */
  #takeNow(): In | typeof NOTHING {
    if (this.#handlers.message.call !== undefined) throw listeningError();
    if (this.#codec.borrows) throw borrowsError();
    this.#wasRead = true;
    if (this.#receivers.size > 0 || this.#paused || this.#closed) return NOTHING;
    this.#deliver = this.#next.keep;
    try {
      while (this.#next.empty && this.#transport.receive(this.#visit, 1) > 0);
    } finally {
      this.#deliver = this.#handlers.message.call;
    }
    return this.#next.take();
  }

  async *messages(options: Pick<WaitOptions, 'signal'> = {}): AsyncGenerator<In, void, void> {
    checkOptions(options, MESSAGES_OPTIONS, 'messages()');
    const { signal } = options;
    for (;;) {
      const value = await this.#receive({ signal });
      if (value === NOTHING) return;
      yield value;
    }
  }

  [Symbol.asyncIterator](): AsyncGenerator<In, void, void> {
    return this.messages();
  }

  pause(): void {
    this.#paused = true;
    if (!this.#closed) this.#transport.setReading(false);
  }

  resume(): void {
    this.#paused = false;
    if (!this.#closed && this.#isWanted) this.#transport.setReading(true);
  }

  /** Pauses once nothing is taken in part, so that another reader can go on; never, if a sender died in the middle. */
  finishReading(): Promise<void> {
    return new Promise((resolve) => {
      this.#finished = () => {
        this.#finished = undefined;
        this.pause();
        resolve();
      };
      if (!this.#transport.hasUnfinished || this.#closed || !this.#deliver) this.#finished();
      else this.resume();
    });
  }

  ref(): this {
    if (!this.#closed) this.#transport.ref();
    return this;
  }

  unref(): this {
    if (!this.#closed) this.#transport.unref();
    return this;
  }

  stats(): ChannelStats {
    return { ...this.#counts, queuedBytes: this.queuedBytes, queuedMessages: this.#queue.size };
  }

  async close(options: WaitOptions = {}): Promise<void> {
    checkWaitOptions(options, 'close()');
    const { signal, timeout = CLOSE_TIMEOUT_MS } = options;
    checkTimeout(timeout);
    checkSignal(signal);
    if (this.#closed) return;
    this.#closing = true;
    this.flush();
    try {
      if (this.queuedBytes > 0)
        await this.#drains.wait('Sending what was accepted before closing', { signal, timeout });
    } finally {
      this.destroy();
    }
  }

  destroy(error?: Error): void {
    this.#end(error);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** The transport has messages: takes a batch, for the listener or for those that wait. */
  #readable(): void {
    if (this.#paused || this.#closed) return;
    if (this.#deliver) {
      this.#transport.receive(this.#visit, this.#batch);
      return;
    }
    while (this.#receivers.size > 0 && this.#transport.receive(this.#visit, 1) > 0);
    if (!this.#isWanted && !this.#closed) this.#transport.setReading(false);
  }

  /** False when a handler has closed or paused the channel, or was the last and is none any more: what follows stays where it is. */
  #take(memory: Buffer, start: number, end: number): VisitAction {
    let value: In;
    try {
      value = this.#codec.decode(memory, start, end);
    } catch (error) {
      this.#skipped(error);
      return this.#closed || this.#paused ? BREAK : CONTINUE;
    }
    this.#counts.received++;
    this.#counts.receivedBytes += end - start;
    if (this.#deliver) this.#deliver(value);
    else this.#receivers.settleOne(value);
    if (this.#finished && !this.#transport.hasUnfinished) this.#finished();
    // Those that wait are given one at a time.
    return this.#closed || this.#paused || this.#deliver === undefined ? BREAK : CONTINUE;
  }

  #skipped(error: unknown): void {
    this.#counts.bad++;
    this.#handlers.badMessage.call?.(error);
  }

  /**
   * Much waits. What the transport has only gathered goes out first: it says that there is room again after it had none,
   * and so of nothing that was not refused.
   */
  #checkCongestion(): void {
    this.flush();
    if (this.#closed || this.queuedBytes <= this.#highWaterMark) return;
    this.#congested = true;
    this.#counts.congestions++;
  }

  /** The transport has room again. */
  #pump(): void {
    if (this.#closed) return;
    const moved = this.#queue.drainTo(this.#transport);
    this.#transport.flush();
    if (!moved || this.#transport.pendingBytes > 0) return;
    this.#drains.settleAll();
    if (this.#congested) {
      this.#congested = false;
      this.#handlers.drain.call?.();
    }
  }

  #end(error?: Error): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#endedBy = error;
    this.#finished?.();
    this.#queue.clear();
    this.#transport.close();
    this.#receivers.settleAll(NOTHING);
    this.#drains.failAll(error ?? closedError());
    this.#tellEnd(error);
  }

  /** Tells each handler once. */
  #tellEnd(error?: Error): void {
    const tell = this.#handlers.close.call;
    this.#handlers.close.clear();
    tell?.(error);
  }
}

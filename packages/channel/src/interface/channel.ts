/** How long and until which signal a wait lasts. */
export interface WaitOptions {
  /** Rejects the wait with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Milliseconds until the wait rejects with `ERR_MILLRACE_TIMEOUT`: 0 looks once, Infinity, the default, waits for ever.
   */
  readonly timeout?: number | undefined;
}

export interface ReceiveOptions<None> extends WaitOptions {
  /** Given when there is no message any more, and so told apart from one that is undefined. */
  readonly none: None;
}

export interface ChannelStats {
  /** Messages accepted by `send`, and their encoded bytes. */
  readonly sent: number;
  readonly sentBytes: number;
  readonly received: number;
  readonly receivedBytes: number;
  /** Bytes that wait in this process for the transport to have room, with a few for each message; 0: nothing waits. */
  readonly queuedBytes: number;
  readonly queuedMessages: number;
  /** Messages that could not be decoded and were skipped. */
  readonly bad: number;
  /** Times that `send` went from true to false: the high-water mark was passed. */
  readonly congestions: number;
}

/** What the handlers that {@link Channel.on} adds are called for. */
export interface ChannelEvents<In> {
  /** Each message from here on, in batches. */
  message: (value: In) => void;
  /** Nothing waits in this process any more, after `send` had returned false. */
  drain: () => void;
  /**
   * The channel is over: by `close`, by the other side's or its death, or by an error. Each handler is called once, also one that
   * is added afterwards. A channel that is read reports it after what was sent, one that never was reports it at once. A
   * handler for this alone does not keep the process alive.
   */
  close: (error?: Error) => void;
  /** An arrival is no message; without a handler it is only counted. */
  badMessage: (error: unknown) => void;
}

/**
 * One end of a way for messages between two processes (or threads, or places in one process).
 *
 * Notes.
 * - Order: messages of one sender arrive in the order sent. Nothing is promised between several senders.
 * - Delivery: a message arrives whole, once, or not at all. A message that a process had accepted but not yet flushed
 *   dies with it; one that a reader had not taken yet stays for the next reader where the transport outlives readers.
 * - Back-pressure: `send` accepts a message even when it returns false; a caller that goes on past false meets
 *   `ERR_MILLRACE_CHANNEL_FULL` at the hard limit.
 * - Receiving: either handlers of 'message', or `receive`, `tryReceive` and iteration; never both. Nothing is taken before one of them asks.
 * - Closing: `close` sends what has been accepted, then closes; `destroy` closes at once. What the other side had sent
 *   and this side had not taken is not delivered any more.
 * - Threads: an end belongs to one thread.
 */
export interface Channel<Out, In = Out> extends AsyncIterable<In>, AsyncDisposable {
  /** Largest encoded message in bytes. */
  readonly maxMessageSize: number;
  readonly closed: boolean;
  /**
   * Accepts a message. True: go on. False: accepted, but more than the high-water mark waits; `drained` tells when to
   * go on. Undefined: the channel is over, and nothing was accepted, as `receive` gives undefined then. Throws
   * `ERR_MILLRACE_CHANNEL_FULL`, `_MESSAGE_TOO_LARGE` or `_UNSENDABLE`; then nothing was accepted either.
   */
  send(value: Out): boolean | undefined;
  /** Whether `send` would return true now. */
  readonly writable: boolean;
  /** Resolves once nothing waits in this process any more; at once when nothing does. */
  drained(options?: WaitOptions): Promise<void>;
  /** Hands over what was sent since, now rather than at the end of the current batch. */
  flush(): void;
  /**
   * Adds a handler for an event. Several for one event are called in the order in which they were added. Throws
   * `ERR_MILLRACE_EVENT_NAME` where there is no such event.
   */
  on<Name extends keyof ChannelEvents<In>>(name: Name, handler: ChannelEvents<In>[Name]): this;
  /** Removes a handler. Without one for messages the channel takes none any more: they stay for another handler or for `receive`. */
  off<Name extends keyof ChannelEvents<In>>(name: Name, handler: ChannelEvents<In>[Name]): this;
  /**
   * The next message, or undefined when the channel is over. Where messages may be undefined themselves, `none` says what to
   * give instead: `receive({ none: OVER })`.
   */
  receive(options?: WaitOptions): Promise<In | undefined>;
  receive<None>(options: ReceiveOptions<None>): Promise<In | None>;
  /**
   * The next message if it is there, or undefined, or `none` where that is given; for callers that poll because sleeping would take too long; these
   * see the end of the channel by `closed` only once the loop has had a turn. What waits for the end of the batch is flushed first.
   * Throws as `receive` rejects: on a channel with a listener, and on one of views.
   */
  tryReceive(): In | undefined;
  tryReceive<None>(none: None): In | None;
  /**
   * Iterates as `for await (const value of channel)` does, until the channel is over, or throws the reason of the signal.
   * Leaving the loop closes nothing: what is not taken stays for the next one who asks.
   */
  messages(options?: { readonly signal?: AbortSignal | undefined }): AsyncGenerator<In, void, void>;
  /** Stops and resumes taking messages; what is not taken stays with the transport and slows the sender down. */
  pause(): void;
  resume(): void;
  ref(): this;
  unref(): this;
  stats(): ChannelStats;
  /** Sends what was accepted, for 5 s unless `timeout` says otherwise, then closes; rejects when it could not. */
  close(options?: WaitOptions): Promise<void>;
  destroy(error?: Error): void;
}

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

/**
 * One end of a way for messages between two processes (or threads, or places in one process).
 *
 * Notes.
 * - Order: messages of one sender arrive in the order sent. Nothing is promised between several senders.
 * - Delivery: a message arrives whole, once, or not at all. A message that a process had accepted but not yet flushed
 *   dies with it; one that a reader had not taken yet stays for the next reader where the transport outlives readers.
 * - Back-pressure: `send` accepts a message even when it returns false; a caller that goes on past false meets
 *   `ERR_MILLRACE_CHANNEL_FULL` at the hard limit.
 * - Receiving: either `onMessage`, or `receive`, `tryReceive` and iteration; never both. Nothing is taken before one of them asks.
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
   * go on. Throws `ERR_MILLRACE_CHANNEL_CLOSED`, `_CHANNEL_FULL`, `_MESSAGE_TOO_LARGE` or `_UNSENDABLE`; then nothing
   * was accepted.
   */
  send(value: Out): boolean;
  /** Whether `send` would return true now. */
  readonly writable: boolean;
  /** Resolves once nothing waits in this process any more; at once when nothing does. */
  drained(options?: WaitOptions): Promise<void>;
  /** Called on each passage from above the high-water mark to nothing waiting. */
  onDrain(listener: () => void): void;
  /** Hands over what was sent since, now rather than at the end of the current batch. */
  flush(): void;
  /** Delivers every message to `listener` from here on, in batches. */
  onMessage(listener: (value: In) => void): void;
  /**
   * Called once when the channel is over: by `close`, by the other side's or its death, or by an error. A channel
   * that is read reports it after what was sent, one that never was reports it at once. Listening for it alone does not keep the
   * process alive.
   */
  onClose(listener: (error?: Error) => void): void;
  /** Called for each arrival that is no message; by default such an arrival is only counted. */
  onBadMessage(listener: (error: unknown) => void): void;
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

import {
  checkOptions,
  checkWait,
  optionNames,
  type Poller,
  TimeoutError,
  type WaitOptions,
} from '@millrace/channel';
import { WaitList } from '@millrace/channel/internal';
import type { TrustedUsers } from '@millrace/native';
import { closedError, QueueError } from '../errors.js';
import type { QueuePort } from './port.js';
import { SpinRetry } from './spin-retry.js';

export interface QueueOpenOptions {
  /** Permissions of a queue that is made. Default 0o600: this user. The umask applies to POSIX queues. */
  readonly mode?: number;
  /** The loop to wait in. Default: Node's own loop of this thread. */
  readonly poller?: Poller;
  /**
   * Users, besides root and this process's, whose queue is opened: any user may have made one of that name first. Default:
   * none.
   */
  readonly trustedUsers?: TrustedUsers;
}

const MESSAGES_OPTIONS = optionNames<Pick<WaitOptions, 'signal'>>({ signal: true });

/** A copy of a message that waits for room, and its tag. */
interface Outgoing {
  readonly bytes: Uint8Array;
  readonly tag: number;
}

/**
 * What POSIX and System V queues have in common: sending and receiving with and without waiting.
 *
 * Notes.
 * - Order: what one queue object sends goes out in the order of the calls, those that wait included.
 * - Delivery: a message is received by one receiver, whole, or stays in the queue. One that a process has received
 *   dies with it. A message that waits for room dies with its process.
 * - A wait ends by its message, its signal, its time-out (`ERR_MILLRACE_TIMEOUT`), `close`, or the queue's removal.
 * - Threads: an object belongs to one thread.
 *
 * @internal Users have {@link PosixQueue} and {@link SystemVQueue}.
 */
export abstract class MessageQueue<Message> implements AsyncIterable<Message>, Disposable {
  protected readonly port: QueuePort;
  readonly #receivers = new Map<number, WaitList<Message>>();
  readonly #senders = new WaitList<void, Outgoing>();
  readonly #receiveRetry = new SpinRetry();
  readonly #sendRetry = new SpinRetry();
  #offered: Outgoing | undefined;
  #end: QueueError | undefined;
  #lent = false;

  protected constructor(port: QueuePort) {
    this.port = port;
    port.start({
      readable: (selector) => this.#readable(selector),
      sent: () => this.#sent(),
      failed: (error) => this.#finish(error),
    });
  }

  get closed(): boolean {
    return this.#end !== undefined;
  }

  /** Gives the next message of the port's memory its form for users; a copy. */
  protected abstract take(length: number): Message;

  /** Throws for a message that no queue of this kind takes. */
  protected abstract checkMessage(length: number, tag: number): void;

  protected trySendTagged(bytes: Uint8Array, tag: number): 'sent' | 'full' {
    this.assertOpen();
    this.checkMessage(bytes.length, tag);
    if (this.#senders.size > 0) return 'full';
    return this.#attempt(bytes, tag) ? 'sent' : 'full';
  }

  protected async sendTagged(bytes: Uint8Array, tag: number, options: WaitOptions): Promise<void> {
    checkWait(options);
    if (this.#sendRetry.try(() => this.trySendTagged(bytes, tag), 'full') === 'sent') return;
    if (options.timeout === 0) throw new TimeoutError('Sending a message', 0);
    const item = { bytes: Uint8Array.from(bytes), tag };
    const wait = this.#senders.wait('Sending a message', options, {
      item,
      mayLeave: () => this.#mayLeave(item),
      left: () => this.#sendWaiting(),
    });
    this.#offer();
    return wait;
  }

  protected tryReceiveSelected(selector: number): Message | 'empty' {
    this.assertOpen();
    let length: number;
    try {
      length = this.port.tryReceive(selector);
    } catch (error) {
      throw this.#noticed(error);
    }
    return length < 0 ? 'empty' : this.take(length);
  }

  /** With `known`, which names the options of the call, these are checked. */
  protected async receiveSelected(
    selector: number,
    options: WaitOptions,
    known?: ReadonlySet<string>,
  ): Promise<Message> {
    if (known !== undefined) checkOptions(options, known, 'receive()');
    checkWait(options);
    this.assertOpen();
    const line = this.#line(selector);
    if (line.size === 0) {
      const message = this.#receiveRetry.try<Message | 'empty', 'empty'>(
        () => this.tryReceiveSelected(selector),
        'empty',
      );
      if (message !== 'empty') return message;
    }
    if (options.timeout === 0) {
      if (line.size === 0) this.#receivers.delete(selector);
      throw new TimeoutError('Receiving a message', 0);
    }
    this.port.watch(selector, true);
    const left = () => this.#unwatchUnneeded(selector);
    return line.wait('Receiving a message', options, { left });
  }

  /** Every message from here on, until the queue is closed in this process; `signal` ends the iteration by throwing. */
  async *messages(options: Pick<WaitOptions, 'signal'> = {}): AsyncGenerator<Message, void, void> {
    checkOptions(options, MESSAGES_OPTIONS, 'messages()');
    while (!this.closed) {
      let message: Message;
      try {
        message = await this.receiveSelected(this.defaultSelector, options);
      } catch (error) {
        if (error instanceof QueueError && error.code === 'ERR_MILLRACE_QUEUE_CLOSED') return;
        throw error;
      }
      yield message;
    }
  }

  protected get defaultSelector(): number {
    return 0;
  }

  [Symbol.asyncIterator](): AsyncGenerator<Message, void, void> {
    return this.messages();
  }

  /** Whether waiting keeps the process alive; it does by default. An object that waits for nothing never does. */
  ref(): this {
    this.port.setRef(true);
    return this;
  }

  unref(): this {
    this.port.setRef(false);
    return this;
  }

  /** Ends what waits here with `ERR_MILLRACE_QUEUE_CLOSED`. The queue and its messages stay. Idempotent. */
  close(): void {
    this.#finish(closedError(this.port.title));
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Hands the port over to a channel: this object sends and receives no more, but still knows the queue. */
  lendPort(): QueuePort {
    this.assertOpen();
    this.#lent = true;
    return this.port;
  }

  protected assertOpen(): void {
    if (this.#end !== undefined) throw this.#end;
    if (this.#lent) {
      throw new QueueError(
        'ERR_MILLRACE_QUEUE_CLOSED',
        `${this.port.title} belongs to a channel; open the queue a second time to use it beside the channel.`,
      );
    }
  }

  #attempt(bytes: Uint8Array, tag: number): boolean {
    const { port } = this;
    port.outgoing.set(bytes, port.outgoingStart);
    try {
      return port.trySend(bytes.length, tag);
    } catch (error) {
      throw this.#noticed(error);
    }
  }

  /** What the kernel says of a removed queue ends this object, for all who wait. */
  #noticed(error: unknown): unknown {
    if (error instanceof QueueError && error.code === 'ERR_MILLRACE_QUEUE_REMOVED') this.#finish(error);
    return error;
  }

  #line(selector: number): WaitList<Message> {
    let line = this.#receivers.get(selector);
    if (line === undefined) {
      line = new WaitList<Message>();
      this.#receivers.set(selector, line);
    }
    return line;
  }

  #readable(selector: number): void {
    const line = this.#line(selector);
    try {
      while (line.size > 0) {
        const message = this.tryReceiveSelected(selector);
        if (message === 'empty') break;
        line.settleOne(message);
      }
    } catch (error) {
      line.failAll(error);
    }
    this.#unwatchUnneeded(selector);
  }

  #unwatchUnneeded(selector: number): void {
    if (this.#receivers.get(selector)?.size !== 0) return;
    this.#receivers.delete(selector);
    if (!this.closed) this.port.watch(selector, false);
  }

  /** Offers the head of the line to the port, which sends it when there is room. */
  #offer(): void {
    const { head } = this.#senders;
    if (head === undefined || this.#offered !== undefined || this.closed) return;
    const { port } = this;
    port.outgoing.set(head.bytes, port.outgoingStart);
    this.#offered = head;
    try {
      port.sendWhenRoom(head.bytes.length, head.tag);
    } catch (error) {
      // No thread can be had to wait with: those who wait hear of it, others may still try.
      this.#offered = undefined;
      this.#senders.failAll(error);
    }
  }

  #sent(): void {
    this.#offered = undefined;
    this.#senders.settleOne();
    this.#sendWaiting();
  }

  /** Sends from the head of the line while there is room; the first without is offered. */
  #sendWaiting(): void {
    if (this.#offered !== undefined) return;
    try {
      for (let head = this.#senders.head; head !== undefined; head = this.#senders.head) {
        if (!this.#attempt(head.bytes, head.tag)) return this.#offer();
        this.#senders.settleOne();
      }
    } catch (error) {
      this.#senders.failAll(error);
    }
  }

  /** A message that has gone out in this very moment is sent, whatever its sender thinks of the time. */
  #mayLeave(item: Outgoing): boolean {
    if (item !== this.#offered) return true;
    this.#offered = undefined;
    if (this.port.withdraw()) return true;
    this.#senders.settleOne();
    this.#sendWaiting();
    return false;
  }

  #finish(error: QueueError): void {
    if (this.#end !== undefined) return;
    this.#end = error;
    // What goes out while it is being withdrawn is sent, not failed.
    if (this.#offered !== undefined && !this.port.withdraw()) this.#senders.settleOne();
    this.#offered = undefined;
    this.port.close();
    for (const line of this.#receivers.values()) line.failAll(error);
    this.#senders.failAll(error);
  }
}

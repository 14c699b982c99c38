import { Socket } from 'node:net';
import { type Bytes, bytesOrText, type WaitOptions } from '@millrace/channel';
import { WaitList } from '@millrace/channel/internal';
import { createSocketPair, SOCK_STREAM, syscalls } from '@millrace/native/syscalls';
import type { LaunchSpec } from '../launch/spec.js';

/** The standard streams of a process as one stream of bytes in both directions, which outlives the process. */
export class Redirection {
  readonly #socket: Socket;
  readonly #theirs: number;
  readonly #readers = new WaitList<void>();
  readonly #drains = new WaitList<void>();
  #over = false;
  #ended = false;

  constructor() {
    const [ours, theirs] = createSocketPair(SOCK_STREAM);
    this.#theirs = theirs;
    // Programs expect standard streams on which they wait.
    syscalls.setNonBlocking(theirs, 0);
    this.#socket = new Socket({ fd: ours });
    this.#socket.on('readable', () => this.#readers.settleAll(undefined));
    this.#socket.on('drain', () => this.#drains.settleAll(undefined));
    // The process has ended with something unread: that is an end like any other.
    this.#socket.on('error', () => {});
    for (const event of ['end', 'close'] as const) this.#socket.on(event, () => this.#finish());
  }

  get stdio(): NonNullable<LaunchSpec['stdio']> {
    return [this.#theirs, this.#theirs, this.#theirs];
  }

  /** Undefined: not accepted, since the stream is over. */
  write(bytes: Bytes | string): boolean | undefined {
    if (!this.#socket.writable) return undefined;
    return this.#socket.write(bytesOrText(bytes));
  }

  async drained(options?: WaitOptions): Promise<void> {
    if (this.#socket.writableNeedDrain && !this.#over)
      await this.#drains.wait('Standard input to be read', options);
  }

  /** What has been printed since; undefined at the end. */
  async read(options?: WaitOptions): Promise<Buffer | undefined> {
    options?.signal?.throwIfAborted();
    for (;;) {
      const bytes = this.#socket.read() as Buffer | null;
      if (bytes !== null) return bytes;
      if (this.#over) return undefined;
      await this.#readers.wait('Reading what a process prints', options);
    }
  }

  ref(): void {
    this.#socket.ref();
  }

  unref(): void {
    this.#socket.unref();
  }

  /** No process will use it any more: the stream ends after what is in it. */
  endOfProcess(): void {
    if (this.#ended) return;
    this.#ended = true;
    syscalls.close(this.#theirs);
  }

  close(): void {
    this.endOfProcess();
    this.#socket.destroy();
  }

  #finish(): void {
    this.#over = true;
    this.#readers.settleAll(undefined);
    this.#drains.settleAll(undefined);
  }
}

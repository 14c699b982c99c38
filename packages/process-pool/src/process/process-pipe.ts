import {
  type Bytes,
  bytesCodec,
  type Codec,
  type TransportChannel,
  type WaitOptions,
} from '@millrace/channel';
import { syscalls } from '@millrace/native/syscalls';
import { createPipe, openPipe, type PipeDescriptors } from '@millrace/pipe-ipc';
import { ProcessPoolError } from '../errors.js';
import type { LaunchSpec } from '../launch/spec.js';
import { BYTES_PIPE, VALUES_PIPE } from '../wire/protocol.js';
import { Redirection } from './redirection.js';

export type PipeKind = 'values' | 'bytes' | 'stdio';

/** The parent's side of a process's pipe, of whichever kind; it outlives each process. */
export class ProcessPipe<Out, In> {
  /** What the process is given. */
  readonly descriptors: Readonly<Record<string, number>> = {};
  readonly stdio: LaunchSpec['stdio'];
  readonly #ends: PipeDescriptors | undefined;
  readonly #channel: TransportChannel<Out, In> | undefined;
  readonly #redirection: Redirection | undefined;
  #ended = false;

  /** Throws `SystemCallError` when descriptors have run out. */
  constructor(kind: PipeKind) {
    if (kind === 'stdio') {
      this.#redirection = new Redirection();
      this.stdio = this.#redirection.stdio;
      return;
    }
    this.#ends = createPipe();
    this.descriptors = { [kind === 'bytes' ? BYTES_PIPE : VALUES_PIPE]: this.#ends.right };
    const codec = kind === 'bytes' ? { codec: bytesCodec() as unknown as Codec<Out, In> } : {};
    this.#channel = openPipe<Out, In>(this.#ends.left, codec);
  }

  get channel(): TransportChannel<Out, In> {
    if (this.#channel) return this.#channel;
    throw new ProcessPoolError(
      'ERR_MILLRACE_NOT_ENABLED',
      "With pipe: 'stdio' there is no channel: use read and write.",
    );
  }

  /** Undefined: not accepted, since the pipe is closed. */
  write(value: Out): boolean | undefined {
    if (this.#redirection) return this.#redirection.write(value as Bytes | string);
    const more = this.channel.send(value);
    this.channel.flush();
    return more;
  }

  drained(options?: WaitOptions): Promise<void> {
    return (this.#redirection ?? this.channel).drained(options);
  }

  async read(options?: WaitOptions): Promise<In | undefined> {
    if (this.#redirection) return (await this.#redirection.read(options)) as In | undefined;
    return this.channel.receive(options);
  }

  ref(): void {
    (this.#redirection ?? this.channel).ref();
  }

  unref(): void {
    (this.#redirection ?? this.channel).unref();
  }

  /** No process will use it any more: it ends after what is in it. Idempotent. */
  endOfProcess(): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#ends) syscalls.close(this.#ends.right);
    this.#redirection?.endOfProcess();
  }

  close(): void {
    this.endOfProcess();
    this.#channel?.destroy();
    this.#redirection?.close();
  }
}

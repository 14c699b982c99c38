import type { ChannelOptions, Codec, Poller, TransportChannel } from '@millrace/channel';
import type { PipeTransport } from '@millrace/pipe-ipc';
import { type DoorbellListener, RingTransport } from '@millrace/shared-memory/internal';

export interface LinkEndOptions<Out, In = Out> {
  /** How values become bytes; both ends need the same. */
  readonly codec: Codec<Out, In>;
  /** On this peer's own doorbell, for rings. */
  readonly listener?: DoorbellListener | undefined;
  /** The loop to wait in, for pipes. Default: Node's own loop of this thread. */
  readonly poller?: Poller | undefined;
  readonly channel?: ChannelOptions | undefined;
  /** Of rings: whether handlers only settle promises or schedule microtasks, whose turn comes once the loop has it. Default false. */
  readonly awaited?: boolean | undefined;
  /** Whether the descriptors belong to another part of this process, which closes them. Default false. */
  readonly borrowed?: boolean | undefined;
  /**
   * What the other side has sent makes no sense, or a ring contradicts itself. Nothing is read or written until `reset`, and
   * what is sent meanwhile waits. Without it the channel ends with the error.
   */
  readonly onCorrupt?: ((error: Error) => void) | undefined;
  /**
   * What becomes of a message of a pipe that makes no sense: nothing is read until `reset` (`'distrust'`), or it is dropped and
   * `onCorrupt` hears of each (`'drop'`), for the kernel keeps messages apart. Default `'distrust'`; rings always are.
   */
  readonly badMessages?: 'distrust' | 'drop' | undefined;
}

/** One end of a link. */
export class LinkEnd<Out, In = Out> {
  readonly channel: TransportChannel<Out, In>;
  readonly #transport: RingTransport | PipeTransport;
  #unusable: Error | undefined;

  /** `unusable`: why the rings could not be opened, for some process has written over their heads. */
  constructor(
    channel: TransportChannel<Out, In>,
    transport: RingTransport | PipeTransport,
    unusable?: Error,
  ) {
    this.channel = channel;
    this.#transport = transport;
    this.#unusable = unusable;
  }

  /** Nothing is read or written until `reset`. */
  get corrupt(): boolean {
    return this.#transport.corrupt;
  }

  /**
   * Tells `onCorrupt` if the rings could not even be opened. The caller chooses when: all that is to hear of it must be there,
   * and nothing may have been read or sent. Idempotent.
   */
  begin(): void {
    const error = this.#unusable;
    this.#unusable = undefined;
    if (error !== undefined) this.#transport.distrust(error);
  }

  /** Reads and writes no more until `reset`: what has come by it makes no sense. */
  distrust(error: Error): void {
    this.#transport.distrust(error);
  }

  /** Empties the link and goes on. The process at the other end must have ended, and the next not have opened it yet. */
  reset(): void {
    this.#unusable = undefined;
    this.#transport.reset();
  }

  /** Has the other side look, whatever the word of its doorbell says. Pipes wake their readers by themselves. */
  poke(): void {
    if (this.#transport instanceof RingTransport) this.#transport.pokePeer();
  }
}

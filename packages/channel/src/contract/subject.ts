import { bytesCodec, type Codec } from '../codec/codec.js';
import { msgpackCodec } from '../codec/msgpack-codec.js';
import type { Channel } from '../interface/channel.js';
import type { ChannelOptions } from '../transport/channel-options.js';

export interface ChannelPair<A, B> {
  readonly left: Channel<A, B>;
  readonly right: Channel<A, B>;
  /** Gives up whatever stands behind the two ends; both may be closed already. */
  dispose(): void;
}

export interface ContractSubject {
  /** Two connected ends in this thread. */
  create<A, B>(codec: () => Codec<A, B>, options: ChannelOptions): ChannelPair<A, B>;
  /** Whether the other side's `close` ends this side; a transport that outlives its users cannot say so. */
  readonly endsWithPeer: boolean;
}

/** What the tests make of a subject. */
export class Maker {
  readonly subject: ContractSubject;

  constructor(subject: ContractSubject) {
    this.subject = subject;
  }

  /** Runs with two ends that carry values. */
  values(
    run: (pair: ChannelPair<unknown, unknown>) => Promise<void>,
    options: ChannelOptions = {},
  ): Promise<void> {
    return this.using(() => msgpackCodec<unknown>(), run, options);
  }

  /** Runs with two ends that carry bytes. */
  bytes(
    run: (pair: ChannelPair<Uint8Array, Buffer>) => Promise<void>,
    options: ChannelOptions = {},
  ): Promise<void> {
    return this.using(() => bytesCodec(), run, options);
  }

  async using<A, B>(
    codec: () => Codec<A, B>,
    run: (pair: ChannelPair<A, B>) => Promise<void>,
    options: ChannelOptions = {},
  ): Promise<void> {
    const pair = this.subject.create(codec, options);
    try {
      await run(pair);
    } finally {
      pair.left.destroy();
      pair.right.destroy();
      pair.dispose();
    }
  }
}

/** Lets everything that is ready have its turn, some times. */
export async function turns(count = 5): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise(setImmediate);
}

import { type ChannelOptions, type Codec, msgpackCodec, TransportChannel } from '@millrace/channel';
import { createSocketPair, SOCK_SEQPACKET } from '@millrace/native';
import { PipeTransport, type PipeTransportOptions } from './pipe-transport.js';

/** The two ends of a pipe, as descriptors: non-blocking, closed on exec. */
export interface PipeDescriptors {
  readonly left: number;
  readonly right: number;
}

export interface PipeOptions<Out, In> extends ChannelOptions, PipeTransportOptions {
  /** How values become bytes. Default: {@link msgpackCodec}. Both ends need the same. */
  readonly codec?: Codec<Out, In>;
}

/** Makes a pipe: a SOCK_SEQPACKET socket pair. Either end may be handed to a child. Throws `SystemCallError`. */
export function createPipe(): PipeDescriptors {
  const [left, right] = createSocketPair(SOCK_SEQPACKET);
  return { left, right };
}

/** Opens one end of a pipe as a channel of values. */
export function openPipe<Out, In = Out>(
  fd: number,
  options: PipeOptions<Out, In> = {},
): TransportChannel<Out, In> {
  const codec = options.codec ?? msgpackCodec<Out, In>();
  return new TransportChannel<Out, In>(new PipeTransport(fd, options), codec, options);
}

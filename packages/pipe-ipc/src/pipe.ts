import {
  CHANNEL_OPTION_NAMES,
  type ChannelOptions,
  type Codec,
  checkOptions,
  msgpackCodec,
  optionNames,
  pickOptions,
  TransportChannel,
} from '@millrace/channel';
import {
  check,
  createSocketPair,
  SO_SNDBUF,
  SOCK_SEQPACKET,
  SOL_SOCKET,
  syscalls,
} from '@millrace/native/syscalls';
import { DATAGRAM_BYTES } from './transport/datagram-layout.js';
import {
  PipeTransport,
  type PipeTransportOptions,
  TRANSPORT_OPTION_NAMES,
  TRANSPORT_OPTIONS,
} from './transport/pipe-transport.js';

/** The two ends of a pipe, as descriptors: non-blocking, closed on exec. */
export interface PipeDescriptors {
  readonly left: number;
  readonly right: number;
}

export interface PipeOptions<Out, In> extends ChannelOptions, PipeTransportOptions {
  /** How values become bytes. Default: {@link msgpackCodec}. Both ends need the same. */
  readonly codec?: Codec<Out, In>;
}

export interface CreatePipeOptions {
  /**
   * Bytes that the kernel keeps in each direction, its own for each datagram among them; it takes no more than
   * `net.core.wmem_max` twice, and no less than two datagrams. More means fewer wake-ups where messages are large. Default: `net.core.wmem_default`.
   */
  readonly sendBuffer?: number | undefined;
}

/** The names of a pipe's options, for the lists of those who open one. */
export const PIPE_OPTION_NAMES = {
  ...CHANNEL_OPTION_NAMES,
  ...TRANSPORT_OPTION_NAMES,
  codec: true,
} as const;
export const PIPE_OPTIONS = optionNames<PipeOptions<unknown, unknown>>(PIPE_OPTION_NAMES);
const CREATE_OPTIONS = optionNames<CreatePipeOptions>({ sendBuffer: true });

/** Makes a pipe: a SOCK_SEQPACKET socket pair. Either end may be handed to a child. Throws `SystemCallError`. */
export function createPipe(options: CreatePipeOptions = {}): PipeDescriptors {
  checkOptions(options, CREATE_OPTIONS, 'createPipe()');
  const { sendBuffer } = options;
  const [left, right] = createSocketPair(SOCK_SEQPACKET);
  if (sendBuffer !== undefined) {
    // A datagram has to fit. The kernel doubles what it is given, for its own part.
    const half = Math.max(Math.ceil(sendBuffer / 2), DATAGRAM_BYTES);
    try {
      for (const fd of [left, right])
        check(syscalls.setSocketOption(fd, SOL_SOCKET, SO_SNDBUF, half), 'setsockopt');
    } catch (error) {
      for (const fd of [left, right]) syscalls.close(fd);
      throw error;
    }
  }
  return { left, right };
}

/** Opens one end of a pipe as a channel of values. */
export function openPipe<Out, In = Out>(
  fd: number,
  options: PipeOptions<Out, In> = {},
): TransportChannel<Out, In> {
  checkOptions(options, PIPE_OPTIONS, 'openPipe()');
  return openChecked(fd, options);
}

/** As {@link openPipe}, with options that have been checked, and among which there are others. */
export function openChecked<Out, In = Out>(
  fd: number,
  options: PipeOptions<Out, In>,
): TransportChannel<Out, In> {
  const codec = options.codec ?? msgpackCodec<Out, In>();
  return new TransportChannel<Out, In>(
    new PipeTransport(fd, pickOptions(options, TRANSPORT_OPTIONS)),
    codec,
    options,
  );
}

/** Opens `fd`, which no other code uses: it is closed where that fails. */
export function openOwnPipe<Out, In>(fd: number, options: PipeOptions<Out, In>): TransportChannel<Out, In> {
  try {
    return openChecked<Out, In>(fd, options);
  } catch (error) {
    syscalls.close(fd);
    throw error;
  }
}

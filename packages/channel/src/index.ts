/**
 * What every transport between processes promises: the `Channel` interface, the codecs, the rules for time-outs and arguments,
 * and the class under all errors. It knows no system call; transports are in pipe-ipc, shared-memory and msg-queue.
 *
 *     const [left, right] = createMemoryPair<Job, Report>();
 *     right.on('message', (job) => right.send(run(job)));
 *     if (!left.send(job)) await left.drained({ signal: AbortSignal.timeout(10_000) });
 *
 * To read the source: interface/ is what channels and transports promise; transport/transport-channel.ts makes the one of the
 * other; codec/ turns values into bytes; memory/ is where messages lie; waiting/ ends waits.
 *
 * @packageDocumentation
 */
export { type Bytes, bytesOf, bytesOrText, otherBytes } from './arguments/bytes.js';
export {
  checkHandlers,
  checkOptions,
  checkReceiveOptions,
  checkWaitOptions,
  didYouMean,
  optionNames,
  pickOptions,
  WAIT_OPTION_NAMES,
} from './arguments/option-names.js';
export { type BytesOptions, bytesCodec, type Codec } from './codec/codec.js';
export { jsonCodec } from './codec/json-codec.js';
export { type MsgpackOptions, msgpackCodec } from './codec/msgpack-codec.js';
export type { Records } from './codec/records.js';
export {
  ArgumentError,
  type ArgumentErrorCode,
  ChannelError,
  type ChannelErrorCode,
  MillraceError,
  type MillraceErrorOptions,
  shown,
  TimeoutError,
  type TimeoutErrorCode,
} from './errors.js';
export type {
  Channel,
  ChannelEvents,
  ChannelStats,
  ReceiveOptions,
  WaitOptions,
} from './interface/channel.js';
export {
  type Interest,
  type Poller,
  type PollRegistration,
  READABLE,
  type Repetition,
  WRITABLE,
} from './interface/poller.js';
export {
  BREAK,
  CONTINUE,
  Frame,
  type FrameVisitor,
  type Transport,
  type TransportEvents,
  type VisitAction,
} from './interface/transport.js';
export { CHANNEL_OPTION_NAMES, type ChannelOptions } from './transport/channel-options.js';
export { createMemoryPair, type MemoryPairOptions } from './transport/memory-pair.js';
export { TransportChannel } from './transport/transport-channel.js';
export { checkSignal, checkTimeout, checkWait } from './waiting/deadline.js';

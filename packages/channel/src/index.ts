export { type Bytes, bytesOf, bytesOrText, otherBytes } from './arguments/bytes.js';
export {
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
export type { Channel, ChannelStats, ReceiveOptions, WaitOptions } from './interface/channel.js';
export {
  type Interest,
  type Poller,
  type PollRegistration,
  READABLE,
  type Repetition,
  WRITABLE,
} from './interface/poller.js';
export {
  Frame,
  type FrameVisitor,
  type Transport,
  type TransportEvents,
} from './interface/transport.js';
export { copyBytes, WordCopier } from './memory/copying.js';
export { copyOf, giveMessagesRoom } from './memory/message-memory.js';
export { Slabs } from './memory/slab.js';
export { CHANNEL_OPTION_NAMES, type ChannelOptions } from './transport/channel-options.js';
export { createMemoryPair, type MemoryPairOptions } from './transport/memory-pair.js';
export { TransportChannel } from './transport/transport-channel.js';
export { Alarm, checkSignal, checkTimeout, checkWait, deadlineAfter, inTime } from './waiting/deadline.js';
export { WaitList } from './waiting/wait-list.js';

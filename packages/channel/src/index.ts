export { type Bytes, bytesOf, bytesOrText, otherBytes } from './bytes.js';
export type { Channel, ChannelStats, ReceiveOptions, WaitOptions } from './channel.js';
export { CHANNEL_OPTION_NAMES, type ChannelOptions } from './channel-options.js';
export { type BytesOptions, bytesCodec, type Codec } from './codec.js';
export { copyBytes, WordCopier } from './copying.js';
export { Alarm, checkSignal, checkTimeout, checkWait, deadlineAfter, inTime } from './deadline.js';
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
export { jsonCodec } from './json-codec.js';
export { createMemoryPair, type MemoryPairOptions } from './memory-pair.js';
export { copyOf, giveMessagesRoom } from './message-memory.js';
export { type MsgpackOptions, msgpackCodec } from './msgpack-codec.js';
export {
  checkOptions,
  checkReceiveOptions,
  checkWaitOptions,
  didYouMean,
  optionNames,
  pickOptions,
  WAIT_OPTION_NAMES,
} from './option-names.js';
export {
  type Interest,
  type Poller,
  type PollRegistration,
  READABLE,
  type Repetition,
  WRITABLE,
} from './poller.js';
export type { Records } from './records.js';
export { Slabs } from './slab.js';
export {
  Frame,
  type FrameVisitor,
  type Transport,
  type TransportEvents,
} from './transport.js';
export { TransportChannel } from './transport-channel.js';
export { WaitList } from './wait-list.js';

export type { Channel, ChannelStats, WaitOptions } from './channel.js';
export { bytesCodec, type Codec } from './codec.js';
export { ChannelError, type ChannelErrorCode } from './errors.js';
export { createMemoryPair, type MemoryPairOptions } from './memory-pair.js';
export { msgpackCodec } from './msgpack-codec.js';
export {
  type Interest,
  type Poller,
  type PollRegistration,
  READABLE,
  WRITABLE,
} from './poller.js';
export {
  copyBytes,
  Frame,
  type FrameVisitor,
  type Transport,
  type TransportEvents,
} from './transport.js';
export { type ChannelOptions, TransportChannel } from './transport-channel.js';
export { WaitList } from './wait-list.js';

export { QueueError, type QueueErrorCode, type SystemLimit } from './errors.js';
export { ftok } from './ftok.js';
export { type PosixLimits, readPosixLimits, readSystemVLimits, type SystemVLimits } from './limits.js';
export type { MessageQueue, QueueOpenOptions } from './message-queue.js';
export type { PosixQueueOptions } from './posix-open.js';
export { type PosixMessage, PosixQueue, type PosixQueueState, type PosixSendOptions } from './posix-queue.js';
export {
  freeSystemVQueueChannel,
  openPosixQueueChannel,
  openSystemVQueueChannel,
  type PosixChannelOptions,
  PosixQueueTransport,
  type PosixTransportOptions,
  posixChannelNames,
  QueueChannel,
  type RemoveOptions,
  type Side,
  type SystemVChannelOptions,
  SystemVQueueTransport,
  type SystemVTransportOptions,
  type TransportQueues,
  unlinkPosixQueueChannel,
} from './queue-channel.js';
export type { SystemVQueueEntry } from './queue-list.js';
export {
  BAD_MESSAGE_CHANNEL,
  type BadMessage,
  type QueueTransportOptions,
  SWEEP_CHANNEL,
  type Sweep,
} from './queue-transport.js';
export type { SystemVKey, SystemVQueueOptions } from './system-v-open.js';
export {
  type SystemVMessage,
  SystemVQueue,
  type SystemVQueueState,
  type SystemVReceiveOptions,
  type SystemVSendOptions,
} from './system-v-queue.js';

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
} from './channel/queue-channel.js';
export {
  BAD_MESSAGE_CHANNEL,
  type BadMessage,
  type QueueTransportOptions,
  SWEEP_CHANNEL,
  type Sweep,
} from './channel/queue-transport.js';
export { QueueError, type QueueErrorCode, type SystemLimit } from './errors.js';
export type { PosixQueueOptions } from './posix/posix-open.js';
export {
  type PosixMessage,
  PosixQueue,
  type PosixQueueState,
  type PosixSendOptions,
} from './posix/posix-queue.js';
export { type PosixLimits, readPosixLimits, readSystemVLimits, type SystemVLimits } from './queue/limits.js';
export type { MessageQueue, QueueOpenOptions } from './queue/message-queue.js';
export type { SystemVQueueEntry } from './queue/queue-list.js';
export { ftok } from './system-v/ftok.js';
export type { SystemVKey, SystemVQueueOptions } from './system-v/system-v-open.js';
export {
  type SystemVMessage,
  SystemVQueue,
  type SystemVQueueState,
  type SystemVReceiveOptions,
  type SystemVSendOptions,
} from './system-v/system-v-queue.js';

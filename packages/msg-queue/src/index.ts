/**
 * POSIX and System V message queues, which hold messages while no process is there, and channels over them.
 *
 *     using queue = PosixQueue.openOrCreate('/jobs', { maxMessages: 10, messageSize: 1_024 });
 *     await queue.send(Buffer.from('hello'), { signal: AbortSignal.timeout(10_000) });
 *
 *     const channel = QueueChannel.open<Job, Report>('/work', 'left');
 *
 * To read the source: queue/message-queue.ts is what both kinds of queue do; posix/ and system-v/ are the kinds; channel/ makes
 * channels of them, with files for what is larger than a message. posix-mq.ts is the API of the npm package posix-mq, a
 * sub-path of its own.
 *
 * @packageDocumentation
 */

export type { SystemVPath } from '@millrace/native';
export type { SystemVKey } from '@millrace/native/internal';
export {
  type PosixChannelOptions,
  PosixQueueTransport,
  type PosixTransportOptions,
  QueueChannel,
  type RemoveOptions,
  type Side,
  type SystemVChannelOptions,
  type SystemVKeys,
  SystemVQueueTransport,
  type SystemVTransportOptions,
  type TransportQueues,
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
export type { SystemVQueueOptions } from './system-v/system-v-open.js';
export {
  type SystemVMessage,
  SystemVQueue,
  type SystemVQueueState,
  type SystemVReceiveOptions,
  type SystemVSendOptions,
} from './system-v/system-v-queue.js';

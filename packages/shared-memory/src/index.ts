export {
  DOORBELL_BYTES,
  Doorbell,
  type DoorbellClient,
  DoorbellListener,
} from './doorbell.js';
export { SharedMemoryError, type SharedMemoryErrorCode } from './errors.js';
export { SharedQueue } from './queue.js';
export type { Abandoned } from './queue-abandon.js';
export {
  ANYONE,
  NONE,
  type QueueStats,
  type QueueWriter,
  type SharedQueueOptions,
} from './queue-contract.js';
export { CALLER_WORDS as QUEUE_HEADER_WORDS } from './queue-layout.js';
export { openQueue, type QueueMemory, type QueueOptions, queueBytes } from './queue-memory.js';
export { openRing, type RingMemory, ringBytes } from './ring.js';
export { RingReader } from './ring-reader.js';
export { RingTransport, type RingTransportOptions } from './ring-transport.js';
export { RingWriter } from './ring-writer.js';

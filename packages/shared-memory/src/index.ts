export { DOORBELL_BYTES, Doorbell } from './doorbell.js';
export {
  type DoorbellClient,
  DoorbellListener,
  type DoorbellListenerOptions,
} from './doorbell-listener.js';
export { SharedMemoryError, type SharedMemoryErrorCode } from './errors.js';
export { openRing, type RingMemory, ringBytes } from './ring.js';
export {
  closeRingEnd,
  createRingLink,
  descriptorsOf,
  openRingEnd,
  type RingChannelOptions,
  type RingEnd,
  type RingLink,
  type RingLinkOptions,
  ringEnd,
} from './ring-link.js';
export { ringFromParent } from './ring-parent.js';
export { RingReader } from './ring-reader.js';
export {
  type ChildWithRing,
  type SpawnWithRingOptions,
  spawnWithRing,
  type ThreadWithRing,
  type ThreadWithRingOptions,
  threadWithRing,
} from './ring-spawn.js';
export { RingTransport, type RingTransportOptions } from './ring-transport.js';
export { RingWriter } from './ring-writer.js';

export {
  DOORBELL_BYTES,
  Doorbell,
  type DoorbellClient,
  DoorbellListener,
} from './doorbell.js';
export { SharedMemoryError, type SharedMemoryErrorCode } from './errors.js';
export { OwnerRegistry } from './owners.js';
export { openRing, type RingMemory, ringBytes } from './ring.js';
export { RingReader } from './ring-reader.js';
export { RingTransport, type RingTransportOptions } from './ring-transport.js';
export { RingWriter } from './ring-writer.js';
export { Segment } from './segment.js';
export type { SegmentExpectation, SegmentHeader } from './segment-header.js';
export type { SegmentName, SystemVKey, SystemVPath } from './segment-name.js';
export type { SegmentOpenOptions, SegmentOpenOrCreateOptions, SegmentOptions } from './segment-options.js';
export type { SegmentInfo } from './segment-store.js';

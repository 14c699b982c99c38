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

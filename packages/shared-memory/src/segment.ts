/**
 * Segments: memory under a POSIX name, under a System V key, or without a name behind a descriptor.
 *
 * ```ts
 * import { Segment } from '@millrace/shared-memory/segment';
 *
 * const segment = Segment.openOrCreate('/prices', { size: 1 << 20 });
 * new Float64Array(segment.buffer, segment.byteOffset, 100)[0] = 12.5; // there for every process that opens it
 * ```
 *
 * @packageDocumentation
 */
export type { SystemVPath } from '@millrace/native';
export type { SegmentExpectation, SegmentHeader } from './segment/header.js';
export type { SegmentKey, SegmentName } from './segment/name.js';
export type { SegmentTrust } from './segment/options.js';
export {
  Segment,
  type SegmentOpenOptions,
  type SegmentOpenOrCreateOptions,
  type SegmentOptions,
} from './segment/segment.js';
export type { SegmentInfo } from './segment/store.js';

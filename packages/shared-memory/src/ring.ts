/**
 * Rings: channels through shared memory between two processes or threads, and the bare rings under them.
 *
 * ```ts
 * import { spawnWithRing } from '@millrace/shared-memory/ring';
 *
 * const child = spawnWithRing<Job, Report>('./worker.js'); // ringFromParent() in there
 * child.ring.send({ path });
 * for await (const report of child.ring) console.log(report);
 * ```
 *
 * @packageDocumentation
 */
export type { DoorbellListenerOptions } from './ring/doorbell-listener.js';
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
} from './ring/link.js';
export { RingReader } from './ring/reader.js';
export { openRing, type RingMemory, ringBytes } from './ring/ring.js';
export {
  type ChildWithRing,
  ringFromParent,
  type SpawnWithRingOptions,
  spawnWithRing,
  type ThreadWithRing,
  type ThreadWithRingOptions,
  threadWithRing,
} from './ring/spawn.js';
export { RingWriter } from './ring/writer.js';

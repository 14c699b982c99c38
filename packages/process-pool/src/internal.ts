/**
 * For packages of this repository only: it may change with every version.
 *
 * ```ts
 * import { entryModule } from '@millrace/process-pool/internal';
 *
 * const program = entryModule(); // undefined under `node --eval`
 * ```
 *
 * @packageDocumentation
 */
export { RehearsedChild } from './child/rehearsed-child.js';
export { type AheadOptions, AheadProcesses } from './launch/ahead.js';
export { entryModule, inheritedOptions, pathOf, threadOptions } from './launch/node-options.js';
export { MergingQueue, type MergingQueueParts } from './pool/merging-queue.js';
export type { AheadOrder } from './wire/protocol.js';
export { hasParent } from './wire/spawn-info.js';

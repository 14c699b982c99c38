/**
 * The parts of a connection, for the other packages of Millrace. Nothing here is promised to other packages; it may change in
 * any version.
 *
 * ```ts
 * import { createFramer, FrameInput } from '@millrace/reactor/internal';
 *
 * const input = new FrameInput(createFramer({ kind: 'length' }), Buffer.alloc(64 << 10));
 * ```
 *
 * @packageDocumentation
 */

export { FrameInput } from './framing/frame-input.js';
export { MALFORMED } from './framing/framer.js';
export { createFramer } from './framing/framing.js';
export { OwnFrames } from './framing/own-frames.js';
export { MemoryUse } from './output/memory-use.js';
export { OutputQueue } from './output/output-queue.js';
export { HANDSHAKE_BYTES } from './tls/tls-acceptor.js';

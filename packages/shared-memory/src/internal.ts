/**
 * What the other packages of Millrace build on: many rings on one doorbell, and the registry of owners. Nothing here is
 * promised to other packages; it may change in any version.
 *
 * ```ts
 * import { Doorbell, DoorbellListener, RingTransport } from '@millrace/shared-memory/internal';
 *
 * const listener = new DoorbellListener(new Doorbell(fd, buffer, 0), poller);
 * const channel = new TransportChannel(new RingTransport({ incoming, outgoing, listener, peer }), codec);
 * ```
 *
 * @packageDocumentation
 */
export { OwnerRegistry } from './owner/registry.js';
export { DOORBELL_BYTES, Doorbell } from './ring/doorbell.js';
export { type DoorbellClient, DoorbellListener } from './ring/doorbell-listener.js';
export { assertRing, resetRing, ringAt, ringPieceBytes, unreadBytes } from './ring/ring.js';
export { RingTransport, type RingTransportOptions } from './ring/transport.js';
export { TableUsage } from './table/usage.js';

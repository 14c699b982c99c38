/**
 * Links between processes and threads that a parent plans before it starts any of them: rings, pipes, bare socket pairs and
 * inboxes, with doorbells and shared memories.
 *
 * ```ts
 * import { Links } from '@millrace/process-pool/links';
 *
 * const links = new Links({ // the same in every process
 *   peers: { client: 2, worker: 3 },
 *   links: { jobs: { from: 'client', to: 'worker', kind: 'ring', bytes: () => 1 << 20 } },
 * });
 * const descriptors = links.create(); // in the parent
 * links.handedTo('worker', 2, descriptors); // those that worker 2 is handed
 * const mine = links.open('worker', 2, (name) => child.descriptor(name)); // in worker 2
 * const ends = mine.ends('jobs', () => ({ codec, listener }));
 * ```
 *
 * To read the source: links/plan.ts says what a plan is, links/layout.ts where everything lies and what it is called;
 * links/links.ts makes it in the parent, links/peer-links.ts opens a peer's part, links/link-end.ts is one end.
 *
 * @packageDocumentation
 */
export { LaterEnd } from './links/later-end.js';
export type { Descriptors, FindDescriptor } from './links/layout.js';
export { LinkEnd, type LinkEndOptions } from './links/link-end.js';
export { closeDescriptors, findIn, Links } from './links/links.js';
export { type InboxOptions, PeerLinks } from './links/peer-links.js';
export type { LinkKind, LinkPlan, LinkSet, SharedMemory, Side } from './links/plan.js';

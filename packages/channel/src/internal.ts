/**
 * What the other packages of Millrace build on, and their users do not need. Nothing here is promised to other packages; it
 * may change in any version.
 *
 * ```ts
 * import { HandlerList } from '@millrace/channel/internal';
 *
 * const drains = new HandlerList<void>();
 * drains.add(() => source.resume());
 * drains.call?.();
 * ```
 *
 * @packageDocumentation
 */
export { copyBytes, WordCopier } from './memory/copying.js';
export { collectYoung, copyOf, giveMessagesRoom, takeOver } from './memory/message-memory.js';
export { Slabs } from './memory/slab.js';
export { checkHandler, HandlerList } from './transport/handler-list.js';
export { closedError } from './transport/refusals.js';
export { Alarm, deadlineAfter, inTime } from './waiting/deadline.js';
export { WaitList } from './waiting/wait-list.js';

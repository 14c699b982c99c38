/**
 * What the command `millrace-tasks` does, for a command of one's own.
 *
 * ```ts
 * import { serveQueue } from '@millrace/task-broker/program';
 *
 * await serveQueue('./tasks.js', { queue: 'redis://10.0.0.7', name: 'images' }, (line) => console.error(line));
 * ```
 *
 * @packageDocumentation
 */
export { type QueueFlags, serveQueue } from './program/serve-queue.js';

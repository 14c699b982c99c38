/**
 * What the server builds its tasks on: the client, the runner, the claims and the system queue, without a pool around them.
 * Nothing here is promised to other packages; it may change in any version.
 *
 * ```ts
 * import { TaskClient, TaskRunner } from '@millrace/task-pool/internal';
 *
 * const client = new TaskClient({ links: [{ channel }], incarnation: 1, claims: board.claims(0) });
 * new TaskRunner({ channels: [other], handler, onUnsendable, claims }).start();
 * client.workerReady(0);
 * ```
 *
 * @packageDocumentation
 */
export { ClaimTable, claimBytes } from './claims/claim-table.js';
export { TaskBoard } from './claims/task-board.js';
export type { TaskTally, WorkerEnd } from './client/dispatcher-options.js';
export { TaskClient } from './client/task-client.js';
export type { TaskClientOptions } from './client/task-client-options.js';
export type { SharedLink, TaskLink } from './client/worker-queue.js';
export { ownQueue, queueState, queueTitle } from './queue/queue-address.js';
export { type QueuedTask, TaskQueue, type TaskQueueOptions } from './queue/task-queue.js';
export { QueueConsumer } from './runner/queue-consumer.js';
export type { RunnerClaims, TaskHandler, TaskRunnerOptions } from './runner/runner-options.js';
export { TaskRunner } from './runner/task-runner.js';
export { LargeValueFiles } from './wire/large-value-files.js';
export { type TaskCodecOptions, TaskMessage, taskCodec } from './wire/task-message.js';

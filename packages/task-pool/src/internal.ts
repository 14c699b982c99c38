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
export { type Distribution, DurationHistogram } from './client/distribution.js';
export { Job, type JobListener, type RunOptions } from './client/job.js';
export { STATES, Statistics } from './client/statistics.js';
export { TaskClient } from './client/task-client.js';
export type { TaskClientOptions } from './client/task-client-options.js';
export { STREAM_WINDOW } from './client/task-stream.js';
export { type JobDispatcher, TaskSubmitter } from './client/task-submitter.js';
export type { SharedLink, TaskLink } from './client/worker-queue.js';
export { KeepAlive } from './pool/keep-alive.js';
export type { PoolCore, PoolSetup } from './pool/pool-core.js';
export type { ResolvedPoolOptions } from './pool/pool-options.js';
export type {
  CallerSetup,
  EngineCounts,
  HostRecipe,
  HostReport,
  HostRunner,
  HostSetup,
  OpenHost,
  RemoteCaller,
  RemoteHost,
  RemoteHostStats,
  RemoteStats,
  RemoteTransport,
} from './pool/remote-transport.js';
export { ownQueue, queueState, queueTitle } from './queue/queue-address.js';
export { type QueuedTask, TaskQueue, type TaskQueueOptions } from './queue/task-queue.js';
export { QueueConsumer } from './runner/queue-consumer.js';
export type { RunnerClaims, TaskHandler, TaskRunnerOptions } from './runner/runner-options.js';
export { isStream, type Stream } from './runner/task-results.js';
export { TaskRunner } from './runner/task-runner.js';
export { tasksOfModule } from './runner/tasks-of-module.js';
export { LargeValueFiles } from './wire/large-value-files.js';
export { reviveThrown } from './wire/revive-thrown.js';
export { SILENT, STREAM } from './wire/task-layout.js';
export { type TaskCodecOptions, TaskMessage, taskCodec } from './wire/task-message.js';
export { describePlainly, describeRefusal, describeThrown, type Thrown } from './wire/thrown.js';

export type { Bus } from './bus/bus.js';
export { ChildProcessContext, hasParent, type InheritOptions, inherit } from './child/child.js';
export { ProcessPoolError, type ProcessPoolErrorCode } from './errors.js';
export { type Daemon, type DaemonizeOptions, daemonize } from './launch/daemonize.js';
export type { Exit } from './launch/exit.js';
export { entryModule, threadOptions } from './launch/node-options.js';
export {
  type RestartDecision,
  type RestartOptions,
  RestartPolicy,
} from './launch/restart-policy.js';
export type { LaunchSpec, MemberSpec } from './launch/spec.js';
export type { Member } from './member/member.js';
export type { ReplaceResult } from './member/replacement.js';
export type { MemberState } from './member/state.js';
export type { MemberFailure, ProcessPoolEvents } from './pool/events.js';
export { MergingQueue, type MergingQueueParts } from './pool/merging-queue.js';
export type {
  Members,
  PoolStatus,
  ProcessPoolOptions,
  StartOptions,
  StopOptions,
} from './pool/pool-options.js';
export { ProcessPool } from './pool/process-pool.js';
export type { ReloadOptions, ReloadResult } from './pool/reload.js';
export type { MemberStatus } from './pool/status.js';
export { Process, type ProcessEnd, type ProcessOptions } from './process/process.js';
export { type PoolMessage, runWorker, type WorkerHandlers, type WorkerOptions } from './serve/pool-worker.js';
export { type ExecuteOptions, execute } from './system/execute.js';
export { ProcessQueue, type ProcessQueueOptions } from './system/process-queue.js';
export { reapOrphans } from './system/reaper.js';
export { getAffinity, setAffinity, setPriority } from './system/scheduling.js';
export { onSignal, type SignalReaction } from './system/signals.js';

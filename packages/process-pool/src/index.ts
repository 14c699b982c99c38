export type { Bus } from './bus.js';
export { ChildProcessContext, inherit } from './child.js';
export { type DaemonizeOptions, daemonize } from './daemonize.js';
export { ProcessPoolError, type ProcessPoolErrorCode } from './errors.js';
export type { MemberFailure, ProcessPoolEvents } from './events.js';
export { type ExecuteOptions, execute } from './execute.js';
export type { Member } from './member.js';
export { type PoolMessage, runWorker, type WorkerHandlers, type WorkerOptions } from './pool-worker.js';
export { Process, type ProcessEnd, type ProcessOptions } from './process.js';
export {
  type Members,
  type PoolStatus,
  ProcessPool,
  type ProcessPoolOptions,
  type StartOptions,
  type StopOptions,
} from './process-pool.js';
export { reapOrphans } from './reaper.js';
export type { ReloadOptions, ReloadResult } from './reload.js';
export type { ReplaceResult } from './replacement.js';
export { type Exit, type RestartDecision, type RestartOptions, RestartPolicy } from './restart-policy.js';
export { getAffinity, setAffinity, setPriority } from './scheduling.js';
export { onSignal, type SignalReaction } from './signals.js';
export type { LaunchSpec, MemberSpec } from './spec.js';
export type { MemberState } from './state.js';
export type { MemberStatus } from './status.js';

/**
 * Keeps any number of processes alive under their names: starts, supervises, replaces, reloads and stops them.
 *
 * ```ts
 * // pool.ts
 * import { ProcessPool } from '@millrace/process-pool';
 *
 * const entry = new URL('./crawler.js', import.meta.url);
 * const pool = new ProcessPool({ size: 4, member: (i) => ({ name: `crawler ${i}`, entry }) });
 * await pool.start({ signal: AbortSignal.timeout(10_000) }); // every member is ready
 * process.on('SIGTERM', () => pool.close());
 *
 * // crawler.ts
 * import { inherit } from '@millrace/process-pool';
 *
 * const me = inherit(); // a spare waits here until it is needed
 * me?.onStop(() => process.exit(0));
 * me?.ready();
 * ```
 *
 * `@millrace/process-pool/process` has one process with a pipe, and what a process can do to itself;
 * `@millrace/process-pool/links` has what connects processes.
 *
 * To read the source: member/state.ts is the table of a member's states; launch/child-handle.ts is a child process,
 * member/process-run.ts one under a name, member/member.ts the name; member/replacement.ts replaces one process by another, and
 * pool/process-pool.ts has them all. child/child.ts is the other side.
 *
 * @packageDocumentation
 */
export type { Bus, BusArrival, BusEvents } from './bus/bus.js';
export { type ChildProcessContext, type InheritOptions, inherit } from './child/child.js';
export { ProcessPoolError, type ProcessPoolErrorCode } from './errors.js';
export type { Exit } from './launch/exit.js';
export type { RestartOptions } from './launch/restart-policy.js';
export type { LaunchSpec, MemberSpec } from './launch/spec.js';
export type { Member } from './member/member.js';
export type { ReplaceResult } from './member/replacement.js';
export type { MemberState } from './member/state.js';
export type { MemberFailure, ProcessPoolEvents, ProcessPoolHandlers } from './pool/events.js';
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

/**
 * One process, and what a process can do to itself, after Swoole\Process: a supervised process with a pipe and a queue, a
 * worker's message loop, and calls for daemons, signals, priorities, processors, orphans and other programs.
 *
 * ```ts
 * import { ManagedProcess } from '@millrace/process-pool/process';
 *
 * const resizer = new ManagedProcess<{ path: string }, { bytes: number }>(new URL('./resizer.js', import.meta.url));
 * resizer.start();
 * resizer.write({ path: '/tmp/a' });
 * console.log(await resizer.read({ timeout: 1_000 }));
 * console.log(await resizer.wait()); // { pid, code, signal }
 * ```
 *
 * @packageDocumentation
 */
export { type Daemon, type DaemonizeOptions, daemonize } from './launch/daemonize.js';
export { ManagedProcess, type ManagedProcessOptions, type ProcessEnd } from './process/managed-process.js';
export {
  type ClientRequest,
  type MemberMessage,
  type PoolMessage,
  runWorker,
  type WorkerHandlers,
  type WorkerOptions,
} from './serve/pool-worker.js';
export { type ExecuteOptions, execute } from './system/execute.js';
export { ProcessQueue, type ProcessQueueOptions } from './system/process-queue.js';
export { reapOrphans } from './system/reaper.js';
export { getAffinity, setAffinity, setPriority } from './system/scheduling.js';
export { onSignal, type SignalReaction } from './system/signals.js';

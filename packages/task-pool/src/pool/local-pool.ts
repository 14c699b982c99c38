import { randomBytes, randomInt } from 'node:crypto';
import { inTime } from '@millrace/channel/internal';
import { type Exit, type Member, ProcessPool } from '@millrace/process-pool';
import type { TaskName } from '../client/dispatcher-options.js';
import { TaskClient } from '../client/task-client.js';
import { TaskError } from '../errors.js';
import type { TaskTransportName } from '../transports/plan.js';
import { createPoolLinks, type PoolLinks } from '../transports/pool-links.js';
import {
  type OwnedQueue,
  openOwnedQueue,
  type PoolQueue,
  queueDirectory,
  VALUES,
} from '../transports/pool-queue.js';
import { LargeValueFiles } from '../wire/large-value-files.js';
import { WORKER_PROGRAM } from '../worker-program.js';
import { atExit } from './at-exit.js';
import { closed, endOf, noTasks, noWorkerLeft, workerNotRestarted } from './failures.js';
import { KeepAlive } from './keep-alive.js';
import type { PoolCore, PoolSetup } from './pool-core.js';
import type { TaskPoolStats } from './pool-events.js';
import type { ResolvedPoolOptions } from './pool-options.js';
import { fileWriter, type WorkerMessage, type WorkerSetup } from './worker-setup.js';

let pools = 0;

interface LocalPoolSetup extends PoolSetup {
  readonly options: ResolvedPoolOptions & { readonly transport: TaskTransportName };
}

/** Runs tasks in processes of this machine: starts, supervises and replaces them. */
export class LocalPool implements PoolCore {
  readonly #options: LocalPoolSetup['options'];
  readonly #emit: PoolSetup['emit'];
  readonly #files: LargeValueFiles;
  readonly #removeFiles: () => void;
  readonly #notAtExit: () => void;
  readonly #keepAlive = new KeepAlive();
  readonly #queue: OwnedQueue | undefined;
  readonly #links: PoolLinks;
  readonly submitter: TaskClient;
  readonly #processes: ProcessPool;
  readonly #ready: Promise<void>;
  readonly #startedAt = performance.now();
  /** Whether a process has had tasks. */
  #hadTasks = false;
  /** Why no process can have tasks. */
  #noTasks: string | undefined;
  #closing = false;
  #ended: Promise<void> | undefined;

  constructor({ module, options, emit }: LocalPoolSetup) {
    this.#options = options;
    this.#emit = emit;
    const { size, concurrency, maxQueue, whenFull, grace } = this.#options;
    const incarnation = randomInt(1, 2 ** 32);
    const { taskTmpdir, transport } = this.#options;
    const queue = this.#poolQueue();
    // What the queue still holds at the end names files.
    this.#files = queue
      ? LargeValueFiles.planShared(taskTmpdir, queueDirectory(queue), `${VALUES}-${queue.run}`)
      : LargeValueFiles.plan(taskTmpdir, String(pools++));
    this.#files.make();
    this.#removeFiles = () => (queue ? this.#files.removeEmpty() : this.#files.remove());
    try {
      this.#queue = queue && openOwnedQueue(queue, this.#files);
      const values = { files: this.#files, inMemory: this.#options.largeValues === 'memory' };
      const onCorrupt = (worker: number, error: Error) => this.#corrupt(worker, error.message);
      this.#links = createPoolLinks(transport, size, values, onCorrupt);
    } catch (error) {
      this.#queue?.close();
      this.#removeFiles();
      throw error;
    }
    this.submitter = new TaskClient({
      links: this.#links.ends,
      shared: this.#queue?.link,
      incarnation,
      maxQueue,
      whenFull,
      claims: this.#links.claims,
      concurrency,
      grace,
      stuck: (worker, task, alongside) => this.#kill(worker, task, alongside),
      dropped: (_worker, { message }) => process.emitWarning(message),
      busy: (busy) => (busy ? this.#keepAlive.begin() : this.#keepAlive.end()),
    });
    this.submitter.onDrain(() => this.#emit('drain'));
    this.#processes = new ProcessPool(
      Array.from({ length: size }, (_, worker) => this.#member(worker, queue, module)),
      {
        onReady: (member) => this.#workerReady(member),
        onMessage: (member, body) => this.#workerMessage(member, body),
        onExit: (member, exit, delay) => this.#workerExit(member, exit, delay),
        onGaveUp: (member, exit) => this.#gaveUp(member, exit),
      },
    );
    this.#ready = this.#processes.start();
    // `ready` rejects with it, and so do the tasks; without `ready` it is no unhandled rejection.
    this.#ready.catch(() => {});
    this.#notAtExit = atExit(this.#removeFiles);
  }

  async ready(): Promise<void> {
    this.#keepAlive.begin();
    try {
      await this.#ready;
    } catch (cause) {
      throw this.#noTasks === undefined ? cause : noTasks(this.#noTasks, cause);
    } finally {
      this.#keepAlive.end();
    }
  }

  stats(): TaskPoolStats {
    const stats = this.submitter.stats();
    const { size, concurrency } = this.#options;
    const available = (performance.now() - this.#startedAt) * size * concurrency;
    return {
      ...stats,
      utilisation: Math.min(1, (stats.runTime.mean * stats.runTime.count) / available),
      workers: this.#processes.members.map(({ pid, state, incarnation }) => ({
        pid,
        state,
        starts: incarnation,
      })),
    };
  }

  keepLoop(on: boolean): void {
    if (on) this.#processes.ref();
    else this.#processes.unref();
    this.#links.keepLoop(on);
    this.#keepAlive.turn(!on);
  }

  async close(timeout: number): Promise<void> {
    this.#closing = true;
    this.submitter.refuse(closed());
    await inTime(this.submitter.settled(), timeout);
    this.submitter.close(closed());
    await this.#end();
  }

  destroy(): Promise<void> {
    this.#closing = true;
    this.submitter.close(closed());
    for (const member of this.#processes.members) member.kill('SIGKILL');
    return this.#end(0);
  }

  #end(timeout?: number): Promise<void> {
    this.#ended ??= this.#endProcesses(timeout);
    return this.#ended;
  }

  async #endProcesses(timeout?: number): Promise<void> {
    await this.#processes.stop(timeout === undefined ? {} : { timeout });
    this.#keepAlive.close();
    this.#notAtExit();
    this.#links.close();
    this.#queue?.close();
    this.#removeFiles();
  }

  #poolQueue(): PoolQueue | undefined {
    const { queue } = this.#options;
    return queue && { address: queue, run: randomBytes(8).toString('hex') };
  }

  #member(worker: number, queue: PoolQueue | undefined, module: string) {
    const { size, concurrency, transport, maxTasks, maxMemory, title, execArgv, restart } = this.#options;
    const data: WorkerSetup = {
      worker,
      workers: size,
      concurrency,
      transport,
      queue,
      files: this.#files.path,
      valuesInMemory: this.#options.largeValues === 'memory',
      maxTasks,
      maxMemory,
    };
    return {
      name: `task worker ${worker}`,
      title: `${title} ${worker}`,
      entry: WORKER_PROGRAM,
      args: [module],
      ...(execArgv && { execArgv }),
      descriptors: this.#links.descriptors(worker),
      data,
      restart,
    };
  }

  #workerReady(member: Member): void {
    const { worker } = member.spec.data as WorkerSetup;
    this.#hadTasks = true;
    this.submitter.workerReady(worker);
    this.#emit('workerReady', { worker, pid: member.pid as number });
  }

  #workerExit(member: Member, exit: Exit, delay: number | undefined): void {
    const { worker } = member.spec.data as WorkerSetup;
    // Another start would not change it. The process that has said so need not be the first: that may have been killed.
    if (this.#noTasks !== undefined && !this.#hadTasks) member.stop('drain');
    this.submitter.workerDied(worker, exit);
    // The process may have left a half-written ring. Tasks not begun have been taken back, so the ring holds nothing of use.
    if (exit.code !== 0) this.#links.ends[worker]?.reset();
    // Only now: its last answers have been read.
    this.#files.removeOf(fileWriter(worker, member.incarnation));
    this.#emit('workerExit', { ...exit, worker, delay: member.wanted ? delay : undefined });
    if (member.wanted || member.state === 'given-up' || this.#closing) return;
    if (this.#noTasks !== undefined) return this.#lost(worker, this.#noTasks.replace(/\.$/, ''));
    this.#lost(worker, `it ended with ${endOf(exit)}, and the option 'restart' allows no further start`);
  }

  #gaveUp(member: Member, exit: Exit): void {
    const { worker } = member.spec.data as WorkerSetup;
    const how = `it kept ending before it was ready, the last time with ${endOf(exit)}; its standard error has the reason`;
    this.#lost(worker, how);
  }

  /** A worker that will not be started again. */
  #lost(worker: number, how: string): void {
    this.submitter.workerLost(worker, workerNotRestarted(worker, how));
    if (this.#processes.members.some(({ wanted }) => wanted)) return;
    const failure = noWorkerLeft(how);
    this.submitter.close(failure);
    this.#emit('failed', failure);
  }

  #workerMessage(member: Member, body: unknown): void {
    const { type, message } = (body ?? {}) as {
      readonly type?: WorkerMessage['type'];
      readonly message?: unknown;
    };
    if (type === 'corrupt') this.#corrupt((member.spec.data as WorkerSetup).worker, String(message));
    else if (type === 'noTasks' && !this.#hadTasks) this.#noTasks ??= String(message);
  }

  /** Kills the worker; its link is reset for its successor when it has ended. */
  #corrupt(worker: number, why: string): void {
    const member = this.#processes.members[worker] as Member;
    const { transport } = this.#options;
    const message = `The ${transport} between this pool and task worker ${worker} (pid ${member.pid}) is corrupt: ${why} The worker is killed and replaced.`;
    const error = new TaskError('ERR_MILLRACE_TASK_CORRUPT', message);
    this.submitter.distrust(worker, error);
    // This runs inside of reading a message: an exception of a listener must not count as a reading error.
    queueMicrotask(() => this.#emit('workerCorrupt', { worker, pid: member.pid, error }));
    member.kill('SIGKILL');
  }

  #kill(worker: number, task: TaskName, alongside: readonly TaskName[]): void {
    const member = this.#processes.members[worker] as Member;
    this.#emit('workerKilled', { worker, pid: member.pid, task, alongside });
    member.kill('SIGKILL');
  }
}

import { setTimeout as sleep } from 'node:timers/promises';
import type { DoorbellListener } from '@millrace/shared-memory/internal';
import { TaskError } from '@millrace/task-pool';
import type { TaskSubmitter } from '@millrace/task-pool/internal';
import type {
  ResetTasks,
  TaskWorkerDied,
  TaskWorkerGone,
  TaskWorkerUp,
} from '../contract/control-messages.js';
import { runInOrder } from '../contract/events.js';
import type { Topology } from '../links/topology.js';
import { LogLimit } from '../log/log.js';
import type { RoleContext } from '../process/role-context.js';
import type { Asker } from './asker.js';
import { notRunning } from './not-running.js';
import { RemoteAsker } from './remote-asker.js';
import { TaskAsker, type TaskAskerParts } from './task-asker.js';

export interface RoleTasksParts
  extends Pick<
    TaskAskerParts,
    'peer' | 'incarnation' | 'find' | 'borrowed' | 'counters' | 'files' | 'run' | 'replace'
  > {
  readonly context: RoleContext;
  readonly topology: Topology;
  /** On the bell of this process. */
  readonly listener: DoorbellListener;
}

/**
 * The tasks of a user process, the manager or the master. Most of them never ask for one, so what it takes is opened with
 * the first.
 */
export class RoleTasks {
  readonly #parts: () => RoleTasksParts;
  #asker: Asker | undefined;
  #closed = false;

  constructor(parts: () => RoleTasksParts) {
    this.#parts = parts;
  }

  /** Throws `ERR_MILLRACE_NOT_RUNNING` once it is closed. */
  get client(): TaskSubmitter {
    if (this.#closed) throw notRunning('The task workers have ended, or are about to.');
    this.#asker ??= this.#open();
    return this.#asker.client;
  }

  /**
   * The process of this name before has died: what it had asked for may have been answered since, in links that are this
   * one's now. They have to be read.
   */
  succeed(): void {
    if (!this.#closed) this.#asker ??= this.#open();
  }

  heard(message: TaskWorkerDied | TaskWorkerUp | TaskWorkerGone): void {
    this.#asker?.heard(message);
  }

  /** False: this process has not opened what is to be emptied. */
  reset(message: ResetTasks): boolean {
    return this.#asker?.reset(message) === true;
  }

  /** Takes no more tasks; resolves when all have their answers, `timeout` milliseconds have passed, or `hurry` aborts. */
  async finish(timeout: number, hurry?: AbortSignal): Promise<void> {
    this.#closed = true;
    if (this.#asker === undefined || this.#asker.pending === 0) return;
    const { client } = this.#asker;
    client.refuse(
      new TaskError('ERR_MILLRACE_TASK_CLIENT_CLOSED', 'This process ends: it asks for no more tasks.'),
    );
    const inTime = new AbortController();
    const signal = hurry === undefined ? inTime.signal : AbortSignal.any([inTime.signal, hurry]);
    // Aborted: they were answered first, or are not waited for any more.
    const late = sleep(timeout, undefined, { signal }).catch(() => {});
    await Promise.race([client.settled(), late]);
    inTime.abort();
  }

  /** Rejects what has no answer, and gives up the links. Idempotent. */
  close(): void {
    this.#closed = true;
    this.#asker?.close();
    this.#asker = undefined;
  }

  #open(): Asker {
    const { context, topology, listener, ...rest } = this.#parts();
    const { taskMaxQueue, taskEngine: engine } = context.options;
    if (engine !== undefined) {
      const { counters } = rest;
      const { numbers } = context;
      const remote = new RemoteAsker({ engine, maxQueue: taskMaxQueue, counters, numbers, logs: context });
      remote.open();
      return remote;
    }
    const asker = new TaskAsker({
      ...rest,
      topology,
      maxQueue: taskMaxQueue,
      limit: new LogLimit(context),
      numbers: context.numbers,
      finished: (id, data) =>
        void runInOrder(context.handlers.get('finish'), { id, data }).catch((error) =>
          context.log.error(
            { err: error },
            `a handler of finish has failed; a result of task ${id} has not been heard`,
          ),
        ),
    });
    asker.open(listener);
    return asker;
  }
}

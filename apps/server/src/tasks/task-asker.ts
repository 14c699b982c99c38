import { type FindDescriptor, LaterEnd, type LinkEnd, type PeerLinks } from '@millrace/process-pool/links';
import type { DoorbellListener } from '@millrace/shared-memory/internal';
import { TaskError } from '@millrace/task-pool';
import {
  ClaimTable,
  type LargeValueFiles,
  type TaskBoard,
  TaskClient,
  type TaskMessage,
  type TaskQueue,
} from '@millrace/task-pool/internal';
import type {
  ResetTasks,
  TaskWorkerDied,
  TaskWorkerGone,
  TaskWorkerUp,
} from '../contract/control-messages.js';
import type { PeerId } from '../contract/ids.js';
import { corruptTaskLink } from '../links/corrupt-links.js';
import { COUNTERS } from '../links/descriptor-names.js';
import { linksOf, PEER } from '../links/server-plan.js';
import { countersShape } from '../links/table-sizes.js';
import { openAskerLinks, openBoard } from '../links/task-links.js';
import { openTaskQueue } from '../links/task-queue.js';
import { askerOf, peerOfTaskWorker } from '../links/task-topology.js';
import type { Topology } from '../links/topology.js';
import type { LogLimit } from '../log/log.js';
import type { ServerRegistry } from '../metrics/server-registry.js';
import { Counters } from '../shared/counters.js';
import { TASKS, TASKS_AT_HAND, TASKS_COMPLETED, TASKS_FAILED } from '../shared/counters-layout.js';
import { publishedSize } from '../shared/server-size.js';
import type { Asker } from './asker.js';
import { LaterQueue } from './later-queue.js';

export interface TaskAskerParts {
  readonly topology: Topology;
  /** Who asks, among the peers. */
  readonly peer: PeerId;
  /** Which process of its name this is; no two that share their claims have one number. */
  readonly incarnation: number;
  readonly find: FindDescriptor;
  /** Whether another owner closes the descriptors. */
  readonly borrowed?: boolean;
  readonly maxQueue: number;
  /** The counters of this process. */
  readonly counters: Float64Array;
  /** Where large values go; undefined where there are no task workers. */
  readonly files: LargeValueFiles | undefined;
  /** Which run of the server this is, in messages that may outlive it; undefined in a process that uses no queue. */
  readonly run: string | undefined;
  readonly limit: LogLimit;
  /** Where tasks are counted by their names; undefined: they are another process's, which counts them itself. */
  readonly numbers: ServerRegistry | undefined;
  /** Has the manager replace the process of that flat id, and all empty what lies between it and them. */
  readonly replace: (peer: PeerId) => void;
  /** Told of the task workers that take tasks from here on, and of those that have ended. */
  readonly watch?: {
    readonly ready: (taskWorker: number) => void;
    readonly ended: (taskWorker: number) => void;
  };
  /** A result that a task sent by `finish` and no callback takes. */
  readonly finished: (id: number, value: unknown) => void;
}

/**
 * How a process asks task workers: a worker, a user process, the manager or the master. What is asked for before its links
 * are opened waits.
 */
export class TaskAsker implements Asker {
  readonly client: TaskClient;
  readonly #parts: TaskAskerParts;
  readonly #asker: number;
  readonly #links: readonly LaterEnd<TaskMessage>[];
  readonly #mine: PeerLinks;
  readonly #board: TaskBoard | undefined;
  readonly #shared: LaterQueue | undefined;
  #queue: TaskQueue | undefined;
  #ends: LinkEnd<TaskMessage>[] = [];

  constructor(parts: TaskAskerParts) {
    const { topology, peer, run, incarnation, maxQueue, numbers, finished } = parts;
    this.#parts = parts;
    this.#asker = askerOf(topology, peer);
    this.#links = Array.from({ length: topology.taskWorkers }, () => new LaterEnd<TaskMessage>());
    this.#mine = linksOf(topology).open(PEER, peer, parts.find);
    this.#board = topology.taskWorkers > 0 ? openBoard(topology, this.#mine) : undefined;
    const board = this.#board;
    if (topology.taskQueue !== undefined && run !== undefined) this.#shared = new LaterQueue();
    this.client = new TaskClient({
      links: this.#links.map((way) => ({
        channel: way,
        poke: () => way.poke(),
        distrust: (error: Error) => way.distrust(error),
      })),
      shared: this.#shared,
      incarnation,
      claims: board?.claims(this.#asker) ?? new ClaimTable(new ArrayBuffer(0)),
      load: board && ((taskWorker) => board.load(taskWorker)),
      first: this.#asker,
      maxQueue,
      finished,
      dropped: (taskWorker, { message }) =>
        parts.limit.warn('task', `of task worker ${taskWorker}: ${message}`),
      tally: numbers && {
        asked: (name) => {
          this.#count(TASKS);
          numbers.task(name).asked();
        },
        answered: (name, waited, ran) => numbers.task(name).answered(waited, ran),
        completed: (name) => {
          this.#count(TASKS_COMPLETED);
          numbers.task(name).completed();
        },
        failed: (name, error) => {
          this.#count(TASKS_FAILED);
          numbers.task(name).failed(error);
        },
      },
    });
  }

  get pending(): number {
    return this.client.pending;
  }

  refuse(error: TaskError): void {
    this.client.refuse(error);
  }

  settled(): Promise<void> {
    return this.client.settled();
  }

  /** The links are this process's; `listener` is on its bell. */
  open(listener: DoorbellListener): void {
    const { topology, peer, borrowed = false, files, run, counters, numbers } = this.#parts;
    if (topology.taskWorkers === 0) return;
    if (files !== undefined && run !== undefined) this.#queue = openTaskQueue({ run, topology, files });
    if (this.#queue !== undefined) this.#shared?.become(this.#queue.link(this.#asker));
    if (numbers !== undefined) {
      counters[TASKS] = (counters[TASKS] as number) + this.client.pending;
      counters[TASKS_AT_HAND] = this.client.pending;
    }
    const onCorrupt = (taskWorker: number, error: Error) => this.#corrupt(taskWorker, error);
    const more = { listener, files, borrowed, onCorrupt };
    this.#ends = openAskerLinks(topology, this.#mine, peer, more);
    const { taskWorkers } = publishedSize(new Counters(this.#mine.memory(COUNTERS), countersShape(topology)));
    for (const [index, end] of this.#ends.entries()) {
      if (index >= taskWorkers) this.client.workerLost(index, noTaskWorker(index));
      // Before anything is read from it.
      end.begin();
      this.#links[index]?.become(end);
      if (end.corrupt) continue;
      // Those that come later say so.
      if (this.#board?.isUp(index)) this.#ready(index);
    }
  }

  heard(message: TaskWorkerDied | TaskWorkerUp | TaskWorkerGone): void {
    const { type, taskWorker } = message;
    if (type !== 'taskWorkerUp') {
      this.#ended(message, taskWorker);
      // Behind the answers of what it ran.
      this.#parts.watch?.ended(taskWorker);
      return;
    }
    const end = this.#ends[taskWorker];
    if (end === undefined) return;
    // It was not emptied in time: for this process that task worker is of no use.
    if (end.corrupt) this.#replace(taskWorker);
    else this.#ready(taskWorker);
  }

  #ended(message: TaskWorkerDied | TaskWorkerGone, taskWorker: number): void {
    if (message.type === 'taskWorkerGone') {
      if (message.noneLeft !== undefined) return this.client.close(noneLeft(message.noneLeft));
      return this.client.workerLost(taskWorker, noTaskWorker(taskWorker));
    }
    const cause = message.corrupt ? killedForCorruption(taskWorker) : undefined;
    this.client.workerDied(taskWorker, message.exit, cause);
  }

  #ready(taskWorker: number): void {
    this.client.workerReady(taskWorker);
    this.#parts.watch?.ready(taskWorker);
  }

  /**
   * That task worker has ended over what lay between, and the next waits until it is emptied. False: this process has not
   * opened it, or was too late: then the rings may be another process's by now.
   */
  reset({ taskWorker, until }: ResetTasks): boolean {
    const end = this.#ends[taskWorker];
    if (end === undefined || monotonicNow() > until) return false;
    end.reset();
    return true;
  }

  #corrupt(taskWorker: number, error: Error): void {
    const { topology, limit } = this.#parts;
    const why = corruptTaskLink(topology, this.#asker, taskWorker, error.message);
    const text = `${why} The task worker is killed and replaced.`;
    limit.warn('corrupt-task', text);
    this.client.distrust(taskWorker, new TaskError('ERR_MILLRACE_TASK_CORRUPT', text, { cause: error }));
    this.#replace(taskWorker);
  }

  #replace(taskWorker: number): void {
    const { topology, replace } = this.#parts;
    replace(peerOfTaskWorker(topology, taskWorker));
  }

  /** The counters are this process's as long as its links are. */
  #count(counter: number): void {
    if (this.#ends.length === 0) return;
    const { counters } = this.#parts;
    counters[counter] = (counters[counter] as number) + 1;
    counters[TASKS_AT_HAND] = this.client.pending;
  }

  /** The links, and the claims that go with them, are the next one's. Idempotent. */
  close(): void {
    // While the task workers can still be told that no asker waits.
    this.client.close();
    this.#parts.numbers?.flush();
    for (const { channel } of this.#ends.splice(0)) channel.destroy();
    this.#queue?.close();
    this.#mine.close();
  }
}

/** Milliseconds that all processes of a machine count alike. */
export function monotonicNow(): number {
  return Number(process.hrtime.bigint() / 1_000_000n);
}

/** A task that has chosen it would wait for ever. */
function noTaskWorker(taskWorker: number): TaskError {
  const message = `There is no task worker ${taskWorker}: the server is not scaled so far now.`;
  return new TaskError('ERR_MILLRACE_NO_TASK_WORKER', message);
}

/** Any task would wait for ever. */
function noneLeft(why: string): TaskError {
  return new TaskError('ERR_MILLRACE_TASK_POOL_FAILED', `No task worker is left: ${why}. The server ends.`);
}

function killedForCorruption(taskWorker: number): TaskError {
  const message = `Task worker ${taskWorker} was killed, for what lies between it and those who ask it made no sense; the log says where.`;
  return new TaskError('ERR_MILLRACE_TASK_CORRUPT', message);
}

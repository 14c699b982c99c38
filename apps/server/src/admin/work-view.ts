import type { AdminAssignment } from './admin-assignment.js';
import { engineReport } from './engine-report.js';
import type { Queues } from './queues-report.js';
import type { Registries } from './registries.js';
import type { ServerView } from './server-view.js';
import type { Tables } from './tables-report.js';
import { type RunningTask, runningTasks, tasksReport } from './tasks-report.js';
import type { QueueReport, TableReport, TasksReport } from './work-schemas.js';

/** Tasks, queues and tables of the server, as memory tells of them. */
export class WorkView {
  readonly #assignment: AdminAssignment;
  readonly #view: ServerView;
  readonly #registries: Registries;
  readonly #queues: Queues;
  readonly #tables: Tables;

  constructor(
    assignment: AdminAssignment,
    view: ServerView,
    registries: Registries,
    queues: Queues,
    tables: Tables,
  ) {
    this.#assignment = assignment;
    this.#view = view;
    this.#registries = registries;
    this.#queues = queues;
    this.#tables = tables;
  }

  tasks(): TasksReport {
    const families = this.#registries.ofServer();
    const { taskEngine } = this.#assignment.topology;
    const engine = taskEngine === undefined ? null : engineReport(taskEngine, this.#view.stats(), families);
    return tasksReport(families, this.running(), engine);
  }

  running(): RunningTask[] {
    return runningTasks(this.#assignment, this.#view.counters);
  }

  queues(stats = this.#view.stats()): QueueReport[] {
    return this.#queues.report(stats);
  }

  /** `families`: what the server has counted. */
  tables(families = this.#registries.ofServer()): TableReport[] {
    return this.#tables.report(families);
  }
}

import { Alarm } from '@millrace/channel/internal';
import type { Member, MemberSpec, ProcessPool } from '@millrace/process-pool';
import { MergingQueue } from '@millrace/process-pool/internal';
import { KILL_GRACE_MS } from '../constants.js';
import type { FromManager, ToWorker } from '../contract/control-messages.js';
import { asWorker, type RoleName } from '../contract/ids.js';
import { REMOVAL } from '../contract/role.js';
import type { ScaleOptions, ScaleResult } from '../contract/scale.js';
import { ServerError } from '../errors.js';
import type { Topology } from '../links/topology.js';
import type { RoleContext } from '../process/role-context.js';
import type { ServerSize } from '../shared/server-size.js';
import { WorkerStop } from './manager-stop.js';
import { assignmentOf, type Members } from './members.js';

/** Processes that may die over what lies before a worker that goes, one after the other; then that is given up. */
const MOST_ATTEMPTS = 5;

type Scaled = 'worker' | 'taskWorker';

export interface ScalingParts {
  readonly context: RoleContext;
  readonly topology: Topology;
  readonly pool: ProcessPool;
  readonly members: Members;
  /** What there is when this manager starts; more places than workers: the manager before was scaling down. */
  readonly size: ServerSize;
  /** How a process of that role and number is started that comes by scaling. */
  readonly spec: (role: Scaled, id: number, incarnationsBefore: number) => MemberSpec;
  /** Runs it when nothing else replaces processes. */
  readonly inTurn: <T>(
    work: (overtaken: AbortSignal) => Promise<T>,
    overtaking: AbortController,
  ) => Promise<T>;
  readonly tellMaster: (message: FromManager) => void;
  /** To workers. */
  readonly tellWorkers: (message: Extract<ToWorker, { type: 'sized' }>) => void;
  /** To all who ask for tasks. */
  readonly tellAskers: (message: Extract<ToWorker, { type: 'taskWorkerGone' }>) => void;
}

/**
 * Has the server go on with more or fewer workers and task workers.
 *
 *   up     start them → when all are ready: the reactor threads give them something (base mode: they accept)
 *   down   the reactor threads give them nothing more → each reads what was sent to it and finishes that → WORKER_GONE → it has ended
 *
 * A worker that dies over that is followed by another, which reads on: what was sent to it has no other reader. The master knows at each
 * moment how many there are, so the next manager goes on where this one has ended. One request at a time, and none during a reload.
 */
export class Scaling {
  readonly #parts: ScalingParts;
  #size: ServerSize;
  #resized: () => void = () => {};
  /** Those that go. */
  #stop: WorkerStop | undefined;
  readonly #leaving = new Set<Member>();
  readonly #drained = new Set<Member>();
  /** Those whose place no process has, and none will have. */
  readonly #gone = new Set<Member>();
  /** By role and number: how many processes had that place before. */
  readonly #before = new Map<string, number>();
  readonly #requests = new MergingQueue<ScaleOptions, ScaleResult>(
    {
      run: (options) => {
        const overtaking = new AbortController();
        this.#overtaking = overtaking;
        return this.#parts.inTurn((overtaken) => this.#scale(options, overtaken), overtaking);
      },
      merge: (one, other) => ({ ...one, ...other }),
      stopped: { outcome: 'stopped', workers: 0, taskWorkers: 0 },
      overtaken: () => this.#overtaking?.abort(),
    },
    'held',
  );
  /** Of the change that runs: aborts when something waits for its end. */
  #overtaking: AbortController | undefined;
  #closed = false;

  constructor(parts: ScalingParts) {
    this.#parts = parts;
    this.#size = parts.size;
  }

  /** The processes are there. */
  open(): void {
    if (this.#size.places > this.#size.workers) void this.#requests.ask({ workers: this.#size.workers });
    this.#requests.open();
  }

  /** The processes end: what is under way comes to its own end. */
  close(): void {
    this.#closed = true;
    this.#requests.close();
    this.#stop?.hurry();
    this.#resized();
  }

  async scale(options: ScaleOptions): Promise<ScaleResult> {
    if (this.#requests.waits)
      this.#parts.context.log.info(
        { ...options },
        'the server is to be scaled; that follows what is under way',
      );
    const result = await this.#requests.ask(options);
    if (result.outcome === 'stopped') return { outcome: 'stopped', ...this.#now };
    return result.outcome === 'scaled' ? unlessOvertaken(options, result) : result;
  }

  /** The master says that no reactor thread gives anything to other workers. */
  resized(): void {
    this.#resized();
  }

  /** The state of some member may have changed. */
  changed(): void {
    this.#stop?.changed();
  }

  /** That worker has read the last message that there was for it. */
  drained(member: Member): void {
    if (!this.#leaving.has(member)) return;
    this.#drained.add(member);
    this.#stop?.drained(member);
  }

  /** No process has the place of that worker now, and its clients have been told. */
  vacant(member: Member): void {
    if (this.#drained.has(member)) this.#tellGone(member, false);
  }

  get #now() {
    const { workers, taskWorkers } = this.#size;
    return { workers, taskWorkers };
  }

  async #scale({ workers, taskWorkers }: ScaleOptions, overtaken: AbortSignal): Promise<ScaleResult> {
    const { log } = this.#parts.context;
    const before = this.#now;
    const began = performance.now();
    try {
      if (workers !== undefined) await this.#toWorkers(workers, overtaken);
      if (taskWorkers !== undefined) await this.#toTaskWorkers(taskWorkers, overtaken);
    } catch (error) {
      const advice = `${(error as Error).message} There are ${this.#size.workers} workers and ${this.#size.taskWorkers} task workers.`;
      log.error(`the server was not scaled: ${advice}`);
      return { outcome: 'failed', ...this.#now, advice };
    }
    if (this.#closed) return { outcome: 'stopped', ...this.#now };
    const ms = Math.round(performance.now() - began);
    log.info(
      { before, ...this.#now, ms },
      `scaled from ${sizeText(before)} to ${sizeText(this.#now)} in ${ms} ms`,
    );
    return { outcome: 'scaled', ...this.#now };
  }

  async #toWorkers(count: number, overtaken: AbortSignal): Promise<void> {
    const { context, topology } = this.#parts;
    if (count < topology.startWorkers && topology.base?.some((own, at) => own && isOfDatagrams(context, at)))
      throw new ServerError(
        'ERR_MILLRACE_SCALE',
        `'workers' cannot be ${count}: with reusePort each of the first ${topology.startWorkers} workers has a socket for datagrams that no other reads.`,
      );
    if (count < this.#size.workers) await this.#resize({ workers: count });
    if (this.#size.places > this.#size.workers) {
      await this.#removeWorkers();
      if (this.#closed) return;
      await this.#resize({ places: this.#size.workers });
    }
    if (count <= this.#size.workers || this.#closed) return;
    await this.#add('worker', this.#size.workers, count, overtaken);
    await this.#resize({ workers: count, places: count });
  }

  async #toTaskWorkers(count: number, overtaken: AbortSignal): Promise<void> {
    const { taskWorkers } = this.#size;
    if (count > taskWorkers) {
      await this.#add('taskWorker', taskWorkers, count, overtaken);
      return this.#resize({ taskWorkers: count });
    }
    if (count === taskWorkers) return;
    const leaving = this.#from('taskWorker', count);
    // From here on none is chosen by a caller that does not know better.
    await this.#resize({ taskWorkers: count });
    const { pool, tellAskers } = this.#parts;
    await pool.remove(leaving, { timeout: this.#timeout });
    for (const member of leaving) {
      this.#remember(member);
      tellAskers({ type: 'taskWorkerGone', taskWorker: assignmentOf(member).id });
    }
  }

  get #timeout(): number {
    return this.#parts.context.options.maxWaitTime + KILL_GRACE_MS;
  }

  /** Starts those from number `first` up to `end`; where one does not come up, none stays. */
  async #add(role: Scaled, first: number, end: number, overtaken: AbortSignal): Promise<void> {
    const { pool, spec, context, members } = this.#parts;
    const patience = Math.max(
      ...members.of('worker', 'taskWorker').map(({ startPatience }) => startPatience),
    );
    const ids = Array.from({ length: end - first }, (_, i) => first + i);
    const specs = ids.map((id) => spec(role, id, this.#before.get(`${role} ${id}`) ?? 0));
    context.log.info(`starting ${specs.map(({ name }) => name).join(', ')}`);
    try {
      await unlessLate(pool.add(...specs), patience, overtaken, () => {
        const late = this.#from(role, first).filter(({ isUp }) => !isUp);
        return (
          `${late.map(({ name }) => name).join(', ')} had not come up within ${Math.round(patience)} ms, ` +
          'and another request waits for that.'
        );
      });
    } catch (error) {
      const added = this.#from(role, first);
      await pool.remove(added, { timeout: this.#timeout });
      for (const member of added) this.#remember(member);
      throw error;
    }
  }

  async #removeWorkers(): Promise<void> {
    const { context, topology, pool } = this.#parts;
    const members = this.#from('worker', this.#size.workers);
    context.log.info(`${members.map(({ name }) => name).join(', ')} finish what they have, and end`);
    if (topology.base !== undefined) {
      // Their clients are theirs alone.
      await pool.remove(members, { timeout: this.#timeout });
    } else {
      for (const member of members) this.#leaving.add(member);
      await this.#drain(members);
      if (this.#closed) return;
      await pool.remove(members, { timeout: this.#timeout });
    }
    for (const member of members) {
      this.#remember(member);
      // In base mode nobody else has said so.
      this.#tellGone(member, topology.base === undefined && !this.#drained.has(member));
      for (const set of [this.#leaving, this.#drained, this.#gone]) set.delete(member);
    }
  }

  /** Ends those workers; one that dies before it has read its last message is followed by another. */
  async #drain(members: readonly Member[]): Promise<void> {
    const { pool, context } = this.#parts;
    let left = members;
    for (let attempt = 0; left.length > 0 && attempt < MOST_ATTEMPTS && !this.#closed; attempt++) {
      if (attempt > 0) for (const member of left) member.start();
      this.#stop = new WorkerStop({ pool, maxWaitTime: context.options.maxWaitTime, drains: true });
      await this.#stop.run(left, REMOVAL);
      this.#stop = undefined;
      left = left.filter((member) => !this.#drained.has(member));
    }
    if (this.#closed) return;
    for (const { name } of left)
      context.log.error(
        `${name} has not come to the end of what was sent to it, in ${MOST_ATTEMPTS} processes: the rest is lost`,
      );
  }

  /** Once for each. */
  #tellGone(member: Member, lost: boolean): void {
    if (this.#gone.has(member)) return;
    this.#gone.add(member);
    this.#parts.tellMaster({ type: 'workerGone', worker: asWorker(assignmentOf(member).id), lost });
  }

  async #resize(change: Partial<ServerSize>): Promise<void> {
    this.#size = { ...this.#size, ...change };
    if (this.#closed) return;
    const settled = new Promise<void>((resolve) => {
      this.#resized = resolve;
    });
    this.#parts.tellMaster({ type: 'resize', ...this.#size });
    await settled;
    if (change.workers !== undefined) this.#parts.tellWorkers({ type: 'sized', workers: change.workers });
  }

  #from(role: RoleName, first: number): Member[] {
    return this.#parts.members.of(role).filter((member) => assignmentOf(member).id >= first);
  }

  #remember(member: Member): void {
    const { role, id, incarnationsBefore = 0 } = assignmentOf(member);
    this.#before.set(`${role} ${id}`, incarnationsBefore + member.incarnation);
  }
}

/** Of several requests that waited together the last one was carried out: who asked for another size is told so. */
function unlessOvertaken(
  options: ScaleOptions,
  result: Extract<ScaleResult, { outcome: 'scaled' }>,
): ScaleResult {
  for (const [role, what] of [
    ['workers', 'workers'],
    ['taskWorkers', 'task workers'],
  ] as const) {
    const asked = options[role];
    if (asked === undefined || asked === result[role]) continue;
    const advice =
      `There are ${result[role]} ${what} and not ${asked}: another request came later, while this one waited as well. ` +
      'Ask again if the size is to be another.';
    return { ...result, outcome: 'failed', advice };
  }
  return result;
}

/** Waits for a start that may last; once `overtaken` aborts, only until it has lasted `ms` milliseconds. */
async function unlessLate<T>(
  start: Promise<T>,
  ms: number,
  overtaken: AbortSignal,
  why: () => string,
): Promise<void> {
  const began = performance.now();
  let alarm: Alarm | undefined;
  let limit = () => {};
  const late = new Promise<never>((_, reject) => {
    limit = () => {
      alarm = new Alarm(Math.max(0, began + ms - performance.now()), () =>
        reject(new ServerError('ERR_MILLRACE_SCALE', why())),
      );
    };
    if (overtaken.aborted) limit();
    else overtaken.addEventListener('abort', limit, { once: true });
  });
  try {
    await Promise.race([start, late]);
  } finally {
    overtaken.removeEventListener('abort', limit);
    alarm?.cancel();
  }
}

function isOfDatagrams({ ports }: RoleContext, listener: number): boolean {
  return ports[listener]?.type === 'datagram';
}

function sizeText({ workers, taskWorkers }: Pick<ServerSize, 'workers' | 'taskWorkers'>): string {
  return `${workers} workers${taskWorkers > 0 ? ` and ${taskWorkers} task workers` : ''}`;
}

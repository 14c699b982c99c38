import { type Member, ProcessPool } from '@millrace/process-pool';
import { TaskError } from '@millrace/task-pool';
import type { PoolSetup } from '@millrace/task-pool/internal';
import type { ResolvedTransportOptions } from '../caller/transport.js';
import type { TaskEngine } from '../engine/engine.js';
import type { BrokerMessage, BrokerSetup } from './broker-setup.js';
import { GRACE_MS, type HostStats } from './host-options.js';

const BROKER_PROGRAM = new URL('./broker-main.js', import.meta.url);
/** Milliseconds beyond the time to drain, in which a broker process ends its own. */
const END_MS = 3_000;

/** The host of a pool: a broker process under this one, and the task processes under that. */
export class BrokerProcess {
  readonly #processes: ProcessPool;
  readonly #ready: Promise<void>;
  readonly #setup: PoolSetup;
  readonly #drain: number;
  #stats: HostStats | undefined;
  #stopped: Promise<unknown> | undefined;
  readonly #failed: (why: TaskError) => void;
  /** Why it cannot run tasks. */
  #failure: TaskError | undefined;

  constructor(
    engine: TaskEngine,
    { drain, valueLimit }: ResolvedTransportOptions,
    setup: PoolSetup,
    failed: (why: TaskError) => void,
  ) {
    const { size, concurrency, maxTasks, maxMemory, taskTmpdir, title, execArgv, restart, grace } =
      setup.options;
    this.#setup = setup;
    this.#drain = drain;
    this.#failed = failed;
    const data: BrokerSetup = {
      recipe: engine.recipe,
      module: setup.module,
      drain,
      options: {
        size,
        concurrency,
        taskTmpdir,
        title,
        restart,
        valueLimit,
        grace: Number.isFinite(grace) ? (grace as number) : GRACE_MS,
        ...(maxTasks !== undefined && { maxTasks }),
        ...(maxMemory !== undefined && { maxMemory }),
        ...(execArgv !== undefined && { execArgv }),
      },
    };
    this.#processes = new ProcessPool(
      [
        {
          name: 'task broker',
          title: `${title} broker`,
          entry: BROKER_PROGRAM,
          data,
          drainTimeout: drain + END_MS,
        },
      ],
      {
        onMessage: (_member, message) => this.#told(message as BrokerMessage),
        onGaveUp: () => this.#lost('its broker process kept ending before it was ready'),
      },
      { spares: 0 },
    );
    this.#ready = this.#processes.start();
    this.#ready.catch(() => {});
  }

  get workers(): HostStats['workers'] {
    return this.#stats?.workers ?? [];
  }

  get utilisation(): number {
    return this.#stats?.utilisation ?? 0;
  }

  get pid(): number | undefined {
    return (this.#processes.members[0] as Member).pid;
  }

  async ready(): Promise<void> {
    try {
      await this.#ready;
    } catch (error) {
      throw this.#failure ?? error;
    }
  }

  keepLoop(on: boolean): void {
    if (on) this.#processes.ref();
    else this.#processes.unref();
  }

  /** Lets running tasks end, for as long as the option `drain` says. */
  async stop(): Promise<void> {
    this.#stopped ??= this.#processes.stop({ timeout: this.#drain + END_MS });
    await this.#stopped;
  }

  kill(): void {
    for (const member of this.#processes.members) member.kill('SIGKILL');
    this.#stopped ??= this.#processes.stop({ timeout: 0 });
  }

  #told(message: BrokerMessage): void {
    if (message.type === 'stats') this.#stats = message.stats;
    else if (message.type === 'event') this.#setup.emit(message.name, message.details as never);
    else this.#lost(message.message);
  }

  #lost(how: string): void {
    const message = `The host of this pool cannot run tasks: ${how.replace(/\.$/, '')}.`;
    this.#failure ??= new TaskError('ERR_MILLRACE_TASK_POOL_FAILED', message);
    this.#failed(this.#failure);
    if (this.#stopped === undefined) this.kill();
  }
}

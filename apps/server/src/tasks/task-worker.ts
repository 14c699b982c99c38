import { giveMessagesRoom } from '@millrace/channel/internal';
import { NodePoller } from '@millrace/native';
import { syscalls } from '@millrace/native/syscalls';
import type { ChildProcessContext } from '@millrace/process-pool';
import type { FindDescriptor } from '@millrace/process-pool/links';
import type { TaskContext } from '@millrace/task-pool';
import {
  type LargeValueFiles,
  QueueConsumer,
  type TaskHandler,
  type TaskQueue,
  TaskRunner,
} from '@millrace/task-pool/internal';
import { unknownMessage } from '../contract/control-messages.js';
import type { PeerId, ProcessId, ReactorIndex } from '../contract/ids.js';
import type { RoleAssignment, WorkerStatus } from '../contract/role.js';
import { corruptTaskLink, isSenderCertain } from '../links/corrupt-links.js';
import { PEER } from '../links/server-plan.js';
import { OpenedResources } from '../links/shared-resources.js';
import { openRunnerLinks, type RunnerLinks } from '../links/task-links.js';
import { checkTaskMeans, openTaskQueue } from '../links/task-queue.js';
import { peerOfAsker, peerOfTaskWorker } from '../links/task-topology.js';
import { flatIdOf, idOfPeer, numberOfPeer, peerOfNumber, type Topology } from '../links/topology.js';
import { LogLimit } from '../log/log.js';
import { beat } from '../process/heartbeat.js';
import { drawLimit } from '../process/limit.js';
import type { RoleContext } from '../process/role-context.js';
import { WorkerLife, type WorkMessage } from '../process/worker-life.js';
import { LazyGateway } from '../sessions/lazy-gateway.js';
import type { SessionGateway } from '../sessions/session-gateway.js';
import {
  GARBAGE,
  ORPHANS_FAILED,
  TASK_RUNNING,
  TASK_SINCE,
  TASKS_AT_HAND,
} from '../shared/counters-layout.js';
import { openTaskFiles } from './task-files.js';

/** Runs the user's tasks, one at a time. */
export class TaskWorkerRole {
  readonly name = 'taskWorker';
  readonly #context: RoleContext;
  readonly #child: ChildProcessContext;
  readonly #topology: Topology;
  readonly #id: number;
  readonly #workerId: PeerId;
  readonly #limit: LogLimit;
  #runner: TaskRunner | undefined;
  #links: RunnerLinks | undefined;
  #queue: TaskQueue | undefined;
  #consumer: QueueConsumer | undefined;
  #opened: LargeValueFiles | undefined;
  /** Handlers as a broker process calls them. */
  readonly #answering = new Map<string, TaskHandler>();
  readonly #life: WorkerLife;
  readonly #gateway: LazyGateway;

  /** `id` counts task workers from 0; their worker ids follow those of the event workers. */
  constructor(context: RoleContext, child: ChildProcessContext, topology: Topology, id: number) {
    this.#context = context;
    this.#child = child;
    this.#topology = topology;
    this.#id = id;
    this.#workerId = peerOfTaskWorker(topology, id);
    this.#limit = new LogLimit(context);
    this.#life = new WorkerLife({
      context,
      child,
      workerId: flatIdOf(topology, this.#workerId),
      onSessionsLost: () => this.#gateway.settleLost(),
      onMessage: (message) => this.#heard(message),
      finish: async () => {
        // What it has taken from a queue is nowhere else: it is run. Without one nothing more is begun from here on.
        if (this.#consumer !== undefined) await this.#consumer.stop();
        await this.#runner?.stop();
        await Promise.all((this.#links?.channels ?? []).map((channel) => channel.drained()));
        await this.#gateway.flush();
      },
      inHand: () => (this.#running > 0 ? [`${this.#running} tasks`] : []),
    });
    const { lease } = this.#life;
    this.#gateway = new LazyGateway({
      child,
      topology,
      peer: this.#workerId,
      ports: context.ports,
      name: lease,
      onCorrupt: (reactor, error) => this.#linkCorrupt(reactor, error),
      logs: context,
    });
    lease.whenReleased(() => {
      this.#links?.close();
      this.#queue?.close();
    });
    this.#life.listen();
  }

  get status(): WorkerStatus {
    return this.#life.status(this.#running > 0);
  }

  /** Opens what sessions are reached by. */
  openGateway(): SessionGateway {
    return this.#gateway.open();
  }

  get #running(): number {
    return this.#runner?.running ?? 0;
  }

  async start(): Promise<void> {
    checkTaskMeans(this.#context.options, this.#topology, this.#files());
    await this.#life.start(() => this.#serve());
  }

  #linkCorrupt(reactor: ReactorIndex, error: Error): void {
    this.#context.log.error(`what comes from reactor ${reactor} makes no sense: ${error.message}`);
    this.#life.tell({ type: 'linkCorrupt', peer: this.#workerId });
  }

  #heard(message: WorkMessage): void {
    switch (message.type) {
      case 'taskWorkerUp':
      case 'taskWorkerGone':
      case 'sized':
      case 'alsoListen':
      case 'taskWorkerDied':
      case 'resetLinks':
      case 'resetTasks':
        // For workers, which wait for what they have asked.
        return;
      default:
        unknownMessage(message, 'manager', this.#context);
    }
  }

  /** Takes tasks from here on. */
  #serve(): void {
    giveMessagesRoom(syscalls);
    const { options } = this.#context;
    const maxTasks = drawLimit(options.taskMaxRequest, options.taskMaxRequestGrace);
    const find = (name: string) => this.#child.descriptor(name);
    const links = this.#openLinks(find);
    const { board } = links;
    const numbers = new Map(Object.keys(options.tasks).map((name, index) => [name, index + 2]));
    numbers.set('', 1);
    const counters = new OpenedResources(this.#topology, PEER, this.#workerId, find)
      .counters()
      .process(this.#workerId);
    const count = (counter: number) => {
      counters[counter] = (counters[counter] as number) + 1;
    };
    const say = (running: number) => {
      board.setLoad(this.#id, running);
      counters[TASKS_AT_HAND] = running;
    };
    this.#links = links;
    this.#runner = new TaskRunner({
      channels: links.channels,
      sources: links.channels.map((_, asker) =>
        numberOfPeer(this.#topology, peerOfAsker(this.#topology, asker)),
      ),
      handler: (name) => this.#handler(name),
      claims: {
        tables: links.channels.map((_, asker) => board.claims(asker)),
        worker: this.#id,
        workers: this.#topology.taskWorkers,
      },
      onInvalidMessage: (asker, error) => {
        if (asker >= 0) return this.#corrupt(asker, error);
        count(GARBAGE);
        this.#limit.warn('garbage', error.message);
      },
      onLoad: say,
      onBegin: (name, startedAt) => {
        counters[TASK_RUNNING] = numbers.get(name) ?? 0;
        counters[TASK_SINCE] = performance.timeOrigin + startedAt;
      },
      onDone: (begun) => {
        if (begun >= maxTasks) this.#life.handOver();
      },
      onUnsendable: (error, name) =>
        this.#context.log.error({ err: error, task: name }, 'the result of a task cannot be sent'),
      onOrphanFailed: (error, name) => {
        count(ORPHANS_FAILED);
        this.#context.log.error(
          { err: error, task: name },
          'a task of another program, or of an earlier run, has failed',
        );
      },
    });
    this.#queue = openTaskQueue({
      run: (this.#child.data as RoleAssignment).taskRun ?? '',
      topology: this.#topology,
      files: this.#files(),
      onGarbage: (error) => {
        count(GARBAGE);
        this.#limit.warn('garbage', error.message);
      },
    });
    if (this.#queue !== undefined)
      this.#consumer = new QueueConsumer(this.#queue, this.#runner, (error) => this.#queueFailed(error));
    this.#life.lease.whenReleased(beat(counters, this.#context.loop('taskWorker', this.#id)));
    say(0);
    this.#runner.start();
    this.#consumer?.start();
    this.#life.tell({ type: 'takesTasks' });
  }

  #openLinks(find: FindDescriptor): RunnerLinks {
    const onCorrupt = (asker: number, error: Error) => this.#corrupt(asker, error);
    return openRunnerLinks(this.#topology, find, this.#id, new NodePoller(), this.#files(), onCorrupt);
  }

  #files(): LargeValueFiles {
    const { taskFiles } = this.#child.data as RoleAssignment;
    this.#opened ??= openTaskFiles(this.#context.options, taskFiles as string);
    return this.#opened;
  }

  /**
   * What an asker has sent makes no sense. A pipe has one sender. The rings of this process all askers map, so which of them has
   * written there is unknown; they are emptied when this process has ended.
   */
  #corrupt(asker: number, error: Error): void {
    const certain = isSenderCertain(this.#topology);
    const peer = certain ? peerOfAsker(this.#topology, asker) : this.#workerId;
    const why = corruptTaskLink(this.#topology, asker, this.#id, error.message);
    const killed = certain ? 'The process that has sent it' : 'The task worker';
    this.#limit.warn('corrupt-task', `${why} ${killed} is killed and replaced.`);
    this.#life.tell({ type: 'tasksCorrupt', peer });
  }

  /** Another process may have better luck; there is nothing for this one to do. */
  #queueFailed(error: unknown): void {
    this.#context.log.fatal({ err: error }, 'no task can be taken from the queue any more');
    process.exit(1);
  }

  /** What a broker process sends is answered as its engine wants it. */
  #handler(name: string): TaskHandler | undefined {
    const { taskEngine } = this.#context.options;
    if (taskEngine === undefined) return this.#ownHandler(name);
    let answering = this.#answering.get(name);
    if (answering === undefined) {
      const handler = this.#ownHandler(name);
      answering = handler && taskEngine.answering(handler);
      if (answering !== undefined) this.#answering.set(name, answering);
    }
    return answering;
  }

  /** The empty name is Swoole's own form: one handler for all tasks. */
  #ownHandler(name: string): TaskHandler | undefined {
    if (name !== '') {
      const { tasks } = this.#context.options;
      return Object.hasOwn(tasks, name) ? (tasks[name] as TaskHandler) : undefined;
    }
    const handler = this.#context.handlers.get('task').at(-1);
    return (
      handler &&
      ((data: unknown, context: TaskContext) =>
        handler({
          id: context.id,
          workerId: this.#askerId(context.source),
          data,
          finish: (result) => context.finish(result),
        }))
    );
  }

  #askerId(source: number): ProcessId {
    return source < 0 ? source : idOfPeer(this.#topology, peerOfNumber(this.#topology, source));
  }
}

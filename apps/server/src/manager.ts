import {
  type ChildProcessContext,
  type Exit,
  type Member,
  type MemberSpec,
  ProcessPool,
} from '@millrace/process-pool';
import { runInOrder } from './events.js';
import type { FabricShape } from './fabric.js';
import { flatId, processKind } from './process-kinds.js';
import type { BirthData, Role, RoleContext, RoleName, TaskWorkerDied, WorkerReplaced } from './role.js';
import { spawnArguments } from './spawn-arguments.js';

/** Keeps the workers and task workers alive. */
export class ManagerRole implements Role {
  readonly #context: RoleContext;
  readonly #child: ChildProcessContext;
  readonly #shape: FabricShape;
  readonly #pool: ProcessPool;
  #stopping = false;

  constructor(context: RoleContext, child: ChildProcessContext, shape: FabricShape) {
    this.#context = context;
    this.#child = child;
    this.#shape = shape;
    const specs = [
      ...Array.from({ length: shape.taskWorkers }, (_, id) => this.#spec('taskWorker', id)),
      ...Array.from({ length: shape.workers }, (_, id) => this.#spec('worker', id)),
      ...Array.from({ length: shape.userProcesses }, (_, id) => this.#spec('userProcess', id)),
    ];
    this.#pool = new ProcessPool(
      specs,
      {
        onReady: (member) => this.#ready(member),
        onExit: (member, exit, delay) => this.#exited(member, exit, delay),
      },
      { title: context.options.title },
    );
    child.onStop((mode) => void this.#stop(mode));
  }

  async start(): Promise<void> {
    await runInOrder(this.#context.handlers.get('managerStart'));
    try {
      await this.#pool.start();
    } catch (error) {
      if (this.#stopping) return;
      this.#context.log.fatal(
        `${(error as Error).message} The server ends; the reason is usually in the entry module or in workerStart.`,
      );
      await this.#stop('stop', 1);
    }
    this.#child.ready();
  }

  #spec(role: RoleName, id: number): MemberSpec {
    const { names, kind } = processKind(role, this.#shape, id);
    const name = `${kind} ${id}`;
    const data: BirthData = { role, id, managerIncarnation: this.#child.incarnation };
    return {
      name,
      title: `${this.#context.options.title}: ${name}`,
      ...spawnArguments(),
      descriptors: Object.fromEntries(names.map((key) => [key, this.#child.descriptor(key)])),
      data,
      // As long as the user's workerStart takes.
      startTimeout: Number.POSITIVE_INFINITY,
    };
  }

  #ready(member: Member): void {
    const { role, id, managerIncarnation } = member.spec.data as BirthData;
    if (member.incarnation === 1 && managerIncarnation === 1) return;
    this.#context.log.info({ pid: member.pid }, `${member.name} has been replaced`);
    if (role === 'worker') this.#child.send({ workerReplaced: id } satisfies WorkerReplaced);
  }

  #exited(member: Member, { code, signal, uptime, error }: Exit, delay: number | undefined): void {
    const { role, id } = member.spec.data as BirthData;
    if (role === 'taskWorker') {
      const died: TaskWorkerDied = { taskWorker: id, exit: { code, signal } };
      for (const other of this.#pool.members)
        if ((other.spec.data as BirthData).role === 'worker') other.send(died);
    }
    if (code === 0 || this.#stopping) return;
    const how = error ? `(${error.message})` : signal ? `by ${signal}` : `with code ${code}`;
    const next =
      delay === undefined
        ? 'it is not replaced'
        : delay === 0
          ? 'it is replaced'
          : `it is replaced in ${delay} ms`;
    this.#context.log.warn(
      { code, signal, uptime: Math.round(uptime) },
      `${member.name} ended ${how}; ${next}`,
    );
    const workerId = flatId(role, this.#shape, id);
    for (const handler of this.#context.handlers.get('workerError'))
      handler({ workerId, code, signal, uptime });
  }

  async #stop(mode: string, exitCode = 0): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    const timeout = this.#context.options.maxWaitTime;
    const of = (role: RoleName) =>
      this.#pool.members.filter((member) => (member.spec.data as BirthData).role === role);
    await this.#pool.stop({ members: of('userProcess'), mode, timeout });
    // Workers first: what they have in hand may need a task worker.
    await this.#pool.stop({ members: of('worker'), mode, timeout });
    await this.#pool.stop({ members: of('taskWorker'), mode, timeout });
    await runInOrder(this.#context.handlers.get('managerStop'));
    process.exit(exitCode);
  }
}

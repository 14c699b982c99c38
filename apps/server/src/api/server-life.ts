import { checkOptions } from '@millrace/channel';
import type { FromWorker } from '../contract/control-messages.js';
import { RELOAD_OPTIONS, type ReloadOptions, type ReloadResult } from '../contract/reload.js';
import type { Role, WorkerStatus } from '../contract/role.js';
import { ServerError } from '../errors.js';
import { managerPeer, masterPeer } from '../links/topology.js';
import { ProcessPids } from '../process/process-pids.js';
import { ServerCommands } from './server-commands.js';

/** What a server does with the life of its processes. */
export abstract class ServerLife extends ServerCommands {
  /** What this process does; undefined before the start. */
  protected abstract get roleAtWork(): Role | undefined;
  /** In a process below the manager. */
  protected abstract tellManager(message: FromWorker): void;

  /**
   * Puts new processes in the places of workers and task workers, so that they run what the files of the program say
   * now; with `tasksOnly` of task workers alone. No request is lost and no connection closed. Resolves when the last
   * process before has ended; of a version that does not come up nothing is kept. In the master and the manager; in
   * other processes it asks the manager, and resolves at once.
   */
  async reload(options: ReloadOptions = {}): Promise<ReloadResult> {
    checkOptions(options, RELOAD_OPTIONS, 'server.reload');
    if (this.roleAtWork === undefined) throw this.wrongRole('reload', 'a process of the server');
    if (this.roleAtWork.reload) return this.roleAtWork.reload(options);
    const { tasksOnly = false } = options;
    this.tellManager({ type: 'reload', options: { tasksOnly } });
    return { outcome: 'requested' };
  }

  /**
   * Ends the whole server in order. In the master it resolves when everything has ended; in other processes it asks the
   * master, as SIGTERM does, and resolves at once: what has been begun is finished.
   */
  async shutdown(): Promise<void> {
    if (this.roleAtWork === undefined) throw this.wrongRole('shutdown', 'a process of the server');
    if (this.roleAtWork.shutdown) await this.roleAtWork.shutdown();
    else this.tellManager({ type: 'shutdown' });
  }

  /**
   * Puts a new process in the place of one: a worker, task worker or user process by its flat id. Of a worker or task worker
   * nothing is lost, as in a reload; a user process is asked to end first. Resolves as {@link reload} does; in a process below
   * the manager at once, so a worker may stop itself. Rejects with `ERR_MILLRACE_NO_PROCESS`.
   */
  async stopWorker(id: number): Promise<ReloadResult> {
    if (this.roleAtWork === undefined) throw this.wrongRole('stopWorker', 'a process of the server');
    this.assertProcess(id);
    if (this.roleAtWork.stopWorker) return this.roleAtWork.stopWorker(id);
    this.tellManager({ type: 'stopWorker', worker: id });
    return { outcome: 'requested' };
  }

  /** The master's pid. Throws `ERR_MILLRACE_NOT_RUNNING` before the start. */
  get masterPid(): number {
    // There is none without it.
    return this.#pidOf(masterPeer(this.topology), 'masterPid') as number;
  }

  /** The manager's pid; undefined while there is none, and another is about to start. */
  get managerPid(): number | undefined {
    return this.#pidOf(managerPeer(this.topology), 'managerPid');
  }

  /**
   * The pid of a worker, task worker or user process, by its flat id: whoever has its place now. Undefined while there is
   * none. Throws `ERR_MILLRACE_NO_PROCESS`.
   */
  workerPid(id: number): number | undefined {
    this.assertProcess(id);
    return this.#pidOf(id, 'workerPid');
  }

  #pidOf(peer: number, member: string): number | undefined {
    // A new worker does not have its place yet while it runs workerStart.
    const { counters } = this.clients(member);
    if (this.idOfPeer(peer) === this.processId) return process.pid;
    const role = this.roleAtWork;
    return role?.pidOf ? role.pidOf(peer) : new ProcessPids(counters).get(peer);
  }

  /** In the master and the manager: every process opens `logFile` anew. SIGWINCH to the master does the same. */
  reopenLog(): void {
    if (!this.roleAtWork?.reopenLog) throw this.wrongRole('reopenLog', 'the master and the manager');
    this.roleAtWork.reopenLog();
  }

  /**
   * Clients that come from here on get the keys and certificates that the files of `tls` hold now; whoever is connected
   * keeps his. A reload does it as well. In the master it throws `ERR_MILLRACE_TLS` when something is wrong with them, and
   * nothing changes; in other processes it asks the master, whose log says so.
   */
  reloadCertificates(): void {
    if (this.roleAtWork === undefined) throw this.wrongRole('reloadCertificates', 'a process of the server');
    if (this.roleAtWork.reloadCertificates) this.roleAtWork.reloadCertificates();
    else this.tellManager({ type: 'reloadCertificates' });
  }

  /** In a worker or task worker: whether it has something to do, or is on its way out. Undefined in others. */
  get workerStatus(): WorkerStatus | undefined {
    return this.roleAtWork?.status;
  }

  protected wrongRole(member: string, wanted: string): ServerError {
    if (this.roleAtWork === undefined)
      return new ServerError('ERR_MILLRACE_NOT_RUNNING', `${member} needs a started server.`);
    return new ServerError(
      'ERR_MILLRACE_WRONG_ROLE',
      `${member} is for ${wanted}; this process is the ${this.role}.`,
    );
  }
}

import type { Member } from '@millrace/process-pool';
import { TERMINATION_GRACE_MS } from '../constants.js';
import {
  controlMessage,
  type FromManager,
  type ToManager,
  unknownMessage,
} from '../contract/control-messages.js';
import type { PeerId } from '../contract/ids.js';
import type { StartFailure } from '../contract/start-failure.js';
import type { HangWatch } from '../manager/hang-watch.js';
import type { RoleContext } from '../process/role-context.js';
import type { RoleTasks } from '../tasks/role-tasks.js';
import type { ProgramPlaces } from './program-places.js';
import type { Reactors } from './reactors.js';
import type { ReloadRequests } from './reload-requests.js';
import type { ServerSizing } from './server-sizing.js';

/** What the manager's messages are for. Some of it is there only while the server runs. */
export interface ManagerMessageTargets {
  readonly context: RoleContext;
  readonly reloads: ReloadRequests;
  readonly sizing: ServerSizing;
  readonly places: ProgramPlaces;
  readonly tasks: RoleTasks | undefined;
  readonly reactors: () => Reactors | undefined;
  readonly watch: () => HangWatch | undefined;
  readonly isEnding: () => boolean;
  /** Whether there is a manager that takes it. */
  readonly tellManager: (message: ToManager) => boolean;
  readonly managerBegun: () => void;
  readonly workersUp: () => void;
  readonly startFailed: (failure: StartFailure) => void;
  /** A process below has asked for the end of the server. */
  readonly endFromBelow: () => void;
  /** Throws `ERR_MILLRACE_TLS`. */
  readonly reloadCertificates: () => void;
}

/** Takes each message of the manager to what it is for, and answers those that the manager waits for. */
export class ManagerMessages {
  readonly #targets: ManagerMessageTargets;

  constructor(targets: ManagerMessageTargets) {
    this.#targets = targets;
  }

  heard(manager: Member, body: unknown): void {
    const { context, reloads, sizing, places, tasks, reactors, tellManager } = this.#targets;
    const message = controlMessage<FromManager>(body, 'manager', context);
    if (message === undefined) return;
    switch (message.type) {
      case 'startFailed':
        return this.#targets.startFailed(message.failure);
      case 'workersUp':
        return this.#targets.workersUp();
      case 'started':
        this.#targets.managerBegun();
        return this.#targets.watch()?.started(manager, message.pid);
      case 'notBegun':
        return reloads.notBegun(message.request);
      case 'reloaded':
        return reloads.answered(message.request, message.result);
      case 'scaled':
        return sizing.answered(message.request, message.result);
      case 'programTaken':
        return context.program?.taken(message.program);
      case 'resize':
        places.resized(message.workers);
        return void sizing.resize(message);
      case 'workerGone':
        places.gone(message.worker);
        return reactors()?.workerGone(message.worker, message.lost);
      case 'sessionsLost':
        return reactors()?.gateway.settleLost();
      case 'resetLinks':
        return void this.#resetLinks(message.peer);
      case 'resetTasks': {
        const { taskWorker } = message;
        const reset = tasks?.reset(message) === true;
        return void tellManager({ type: 'tasksReset', taskWorker, pid: process.pid, reset });
      }
      case 'workerDied':
        return void this.#workerDied(message.peer);
      case 'workerReplaced':
        return reactors()?.workerReplaced(message.worker);
      case 'workerReady':
        return places.ready(message.worker, message.pid);
      case 'listen':
        // Clients that come while everything ends would not be served.
        if (!this.#targets.isEnding()) places.listen(message);
        return;
      case 'listenEnded':
        return places.ended(message);
      case 'listenTls':
        return places.changeTls(message);
      case 'reloadCertificates':
        return this.#reloadCertificates();
      case 'taskWorkerUp':
      case 'taskWorkerGone':
      case 'taskWorkerDied':
        return tasks?.heard(message);
      case 'shutdown':
        return this.#targets.endFromBelow();
      case 'terminated':
        return this.#terminated(message.pid);
      default:
        unknownMessage(message, 'manager', context);
    }
  }

  /**
   * SIGTERM has come to a process below. A sender that signals all of them may not have come to this one yet: only when
   * nothing follows it was an order to that process alone.
   */
  #terminated(pid: number): void {
    setTimeout(() => {
      if (!this.#targets.isEnding()) this.#targets.tellManager({ type: 'terminate', pid });
    }, TERMINATION_GRACE_MS).unref();
  }

  async #resetLinks(peer: PeerId): Promise<void> {
    await this.#targets.reactors()?.resetLinks(peer);
    this.#targets.tellManager({ type: 'linksReset', peer });
  }

  async #workerDied(peer: PeerId): Promise<void> {
    await this.#targets.reactors()?.workerDied(peer);
    this.#targets.tellManager({ type: 'workerSettled', peer });
  }

  #reloadCertificates(): void {
    try {
      this.#targets.reloadCertificates();
    } catch (error) {
      this.#targets.context.log.error(
        `${(error as Error).message} New clients get the certificates from before.`,
      );
    }
  }
}

import type { ChildProcessContext } from '@millrace/process-pool';
import type { TaskClient } from '@millrace/task-pool';
import { INCARNATIONS_PER_MANAGER } from './constants.js';
import type { Handlers, PortEvents, ServerEvents } from './events.js';
import type { Logger } from './log.js';
import type { ResolvedOptions } from './options.js';
import type { ResolvedPort } from './port-options.js';
import type { Switchboard } from './switchboard.js';

/** What a process is in the server. */
export type RoleName = 'master' | 'manager' | 'worker' | 'taskWorker' | 'userProcess';

/** What every role is given by the `Server` that it runs for. */
export interface RoleContext {
  readonly options: ResolvedOptions;
  /** All listeners, the server's own first. */
  readonly ports: readonly ResolvedPort[];
  readonly handlers: Handlers<ServerEvents>;
  /** The handlers of a listener: its own, and the server's where it has none. */
  readonly portHandlers: (port: number) => Handlers<PortEvents>;
  readonly log: Logger;
  /** Resolves when this process's messages to other processes have left it, or time is up. */
  readonly flushMail: () => Promise<void>;
  /** Gives up this process's inbox. */
  readonly closeMail: () => void;
  /** Ends the timers that were made through the server in this process. */
  readonly endTimers: () => void;
}

/** A role at work. */
export interface Role {
  /** Resolves when the process does its work. */
  start(): Promise<void>;
  /** Asks task workers, where the role may. */
  readonly tasks?: TaskClient;
  /** What it does with sessions by their ids, where the role has the means for it anyway. */
  readonly switchboard?: Switchboard | undefined;
  /** Ends the whole server, where the role may. */
  shutdown?(): Promise<void>;
}

/** What a process of the server is told at its birth. */
export interface BirthData {
  readonly role: RoleName;
  /** Counts processes of the role from 0. */
  readonly id: number;
  /** Which manager in a row has started it; the first is 1. */
  readonly managerIncarnation: number;
}

/** From the manager to workers. */
export interface TaskWorkerDied {
  readonly taskWorker: number;
  readonly exit: { readonly code: number | null; readonly signal: NodeJS.Signals | null };
}

/** From the manager to the master. */
export interface WorkerReplaced {
  readonly workerReplaced: number;
}

/** A number that no other process of the same name and server has had. */
export function incarnationOf(child: ChildProcessContext): number {
  return (child.data as BirthData).managerIncarnation * INCARNATIONS_PER_MANAGER + child.incarnation;
}

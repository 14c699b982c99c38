import type { ChildProcessContext } from '@millrace/process-pool';
import type { DoorbellListener } from '@millrace/shared-memory/internal';
import type { TaskClient } from '@millrace/task-pool/internal';
import { INCARNATIONS_PER_MANAGER } from '../constants.js';
import type { Descriptors } from '../links/descriptor-names.js';
import type { Logger } from '../log/log.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import type { ResolvedPort } from '../options/resolved-port.js';
import type { ServerPlan } from '../options/server-plan.js';
import type { RoleLease } from '../process/role-lease.js';
import type { SessionGateway } from '../sessions/session-gateway.js';
import type { Sessions } from '../worker/sessions.js';
import type { Handlers, PortEvents, ServerEvents } from './events.js';
import type { RoleName } from './ids.js';
import type { ReloadOptions, ReloadResult } from './reload.js';
import type { FailedStart } from './start-failure.js';

/** What every role is given by the `Server` that it runs for. */
export interface RoleContext {
  readonly options: ResolvedOptions;
  /** All listeners, the server's own first. */
  readonly ports: readonly ResolvedPort[];
  readonly handlers: Handlers<ServerEvents>;
  /** The handlers of a listener: its own, and the server's where it has none. */
  readonly portHandlers: (port: number) => Handlers<PortEvents>;
  readonly log: Logger;
  /** What every process of the server has to come to. */
  readonly plan: ServerPlan;
  /** The starts of the program that failed before this one. */
  readonly failedStarts: readonly FailedStart[];
  /** Resolves when this process's messages to other processes have left it, or time is up. */
  readonly flushMessages: () => Promise<void>;
  /** Takes no more messages from other processes, and leaves them to the next of this name. */
  readonly stopMessages: () => Promise<void>;
  /** Gives up this process's inbox, and its ways to the others'. */
  readonly closeMessages: () => void;
  /** Resolves when what this process has sent to sessions by their ids has left it. */
  readonly flushClients: () => Promise<void>;
  /** Ends the timers that were made through the server in this process. */
  readonly endTimers: () => void;
  /** Those timers, in words. */
  readonly describeTimers: () => readonly string[];
  /** Opens the log file anew; its descriptor, which stays the log's, or undefined where there is none. */
  readonly reopenLog: () => number | undefined;
  /** Listens to the bell of this process, where it has its name as long as it lives: in a user process and the manager. */
  readonly bell: () => DoorbellListener;
  /** What waits for sessions that are gone with their worker is told so. */
  readonly settleLost: () => void;
  /** In base mode: empties what lies between this process and the worker that is that reactor; false: it has not been opened. */
  readonly resetLink: (reactor: number) => boolean;
}

/** A role at work. */
export interface Role {
  /** Resolves when the process does its work. */
  start(): Promise<void>;
  /** Asks task workers, where the role may. Throws `ERR_MILLRACE_NOT_RUNNING` where there will be none to answer. */
  readonly tasks?: TaskClient | undefined;
  /** What it has to have to talk to others under its name, where that may be another process's for a while. */
  readonly lease?: RoleLease;
  /** Whether it has something to do, or is on its way out; where that can be said. */
  readonly status?: WorkerStatus;
  /** What it does with sessions by their ids, where the role has the means for it anyway. */
  readonly gateway?: SessionGateway | undefined;
  /** The connections of its own, in a worker that serves. */
  readonly sessions?: Sessions | undefined;
  /** The memory and pipes that all share, in the master. */
  readonly resources?: Descriptors;
  /** Ends the whole server, or asks for that, where the role does it otherwise than by asking the manager. */
  shutdown?(): Promise<void>;
  /** Puts a new process in the place of one. */
  stopWorker?(id: number): Promise<ReloadResult>;
  /** Puts new processes in the places of the workers. */
  reload?(options: ReloadOptions): Promise<ReloadResult>;
  /** What a reactor has sent makes no sense, where the role does otherwise than to ask for its own replacement. */
  linkCorrupt?(reactor: number, error: Error): void;
  /**
   * Which process has the name of a peer, where the role has more rights than whom it shares memory with: what stands
   * there may be a lie, and its user's handlers may send a signal to that pid.
   */
  pidOf?(peer: number): number | undefined;
  /** Has every process below open the log file anew. */
  reopenLog?(): void;
  /** Reads keys and certificates anew, where the role may. */
  reloadCertificates?(): void;
}

/** `'exiting'`: it has been told to end. */
export type WorkerStatus = 'busy' | 'idle' | 'exiting';

/** What a process of the server is told at its birth. */
export interface RoleAssignment {
  readonly role: RoleName;
  /** What the options of whoever has started it make of the server, by name: they are the same in every process. */
  readonly plan?: ServerPlan | undefined;
  readonly failedStarts?: readonly FailedStart[] | undefined;
  /** Counts processes of the role from 0. */
  readonly id: number;
  /** Which manager in a row has started it; the first is 1. */
  readonly managerIncarnation: number;
  /** Where the files of large task values are, as the master sees it; undefined where there are no tasks. */
  readonly taskFiles?: string | undefined;
  /** Which run of the server this is, in messages that may outlive it: 8 bytes in hexadecimal. */
  readonly taskRun?: string | undefined;
}

/**
 * The manner of an end in which every ring gets a last packet, up to which a worker reads. In all others it takes
 * nothing more, and leaves what has not been read to the next of its name.
 */
export const SHUTDOWN = 'shutdown';

/** A number that no other process of the same name and server has had. */
export function incarnationOf(child: ChildProcessContext): number {
  return (child.data as RoleAssignment).managerIncarnation * INCARNATIONS_PER_MANAGER + child.incarnation;
}

import type { ChildProcessContext } from '@millrace/process-pool';
import { INCARNATIONS_PER_MANAGER } from '../constants.js';
import type { ServerSize } from '../shared/server-size.js';
import type { ProcessRole } from './ids.js';
import type { ServiceAssignment } from './service.js';
import type { FailedStart } from './start-failure.js';

/** Names what a server does in this process, to modules of this package that stand beside its face. */
export const ROLE: unique symbol = Symbol('role');

/** What has to be the same in every process, by what a user calls it. */
export type ServerPlan = Readonly<Record<string, unknown>>;

/** `'exiting'`: it has been told to end. */
export type WorkerStatus = 'busy' | 'idle' | 'exiting';

/** What a process of the server is told when it is started. */
export interface RoleAssignment {
  readonly role: ProcessRole;
  /** What the options of the program that has started it make of the server, by name: they are the same in every process. */
  readonly plan?: ServerPlan | undefined;
  readonly failedStarts?: readonly FailedStart[] | undefined;
  /** Counts processes of the role from 0. */
  readonly id: number;
  /** Which manager in a row has started it; the first is 1. */
  readonly managerIncarnation: number;
  /** Of the manager: as many processes as it is to start. */
  readonly size?: ServerSize | undefined;
  /** Of a server that runs a program: what has been read for it last, with which the processes came up (process/program-version.ts). */
  readonly program?: unknown;
  /** Of a service process, which runs no program that says so: what it is to do, and in which server. */
  readonly service?: ServiceAssignment | undefined;
  /** It has come by scaling: what its start fails of is no failure of the server's start. */
  readonly added?: boolean | undefined;
  /** How many processes had its place under the same manager, before the server was scaled down by it and up again. */
  readonly incarnationsBefore?: number | undefined;
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

/**
 * The manner of the end of a worker that the server is scaled down by: it reads what reactor threads have sent to it, up to their last
 * packet, and no other process comes after it.
 */
export const REMOVAL = 'removal';

/** A number that no other process of the same name and server has had. */
export function incarnationOf(child: ChildProcessContext): number {
  const { managerIncarnation, incarnationsBefore = 0 } = child.data as RoleAssignment;
  return managerIncarnation * INCARNATIONS_PER_MANAGER + incarnationsBefore + child.incarnation;
}

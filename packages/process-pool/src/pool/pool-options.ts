import {
  ArgumentError,
  checkHandlers,
  checkOptions,
  optionNames,
  shown,
  WAIT_OPTION_NAMES,
} from '@millrace/channel';
import type { ListenerOptions } from '@millrace/reactor';
import type { AheadProcesses } from '../launch/ahead.js';
import type { MemberSpec } from '../launch/spec.js';
import type { Member } from '../member/member.js';
import { PROCESS_POOL_EVENTS, type ProcessPoolEvents } from './events.js';
import type { MemberStatus } from './status.js';

export interface ProcessPoolOptions {
  /**
   * How many processes of each kind wait, with their module loaded, to take a dead one's place. Default: 1 where there
   * is more than one member, else 0. A spare costs the memory of an idle process.
   */
  readonly spares?: number;
  /** Comes before `spare` in the titles of spares. */
  readonly title?: string;
  /** Whether members can send to each other by name (`bus` of the child). Default false. */
  readonly bus?: boolean;
  /**
   * Where the pool listens for clients. This process lets them in and reads their requests; members take those with
   * `runWorker`. Default: nowhere.
   */
  readonly listen?: ListenerOptions;
  /** @internal Processes that have been started for its first members; those that none has taken end when all are ready. */
  readonly ahead?: AheadProcesses | undefined;
}

export const PROCESS_POOL_OPTIONS = optionNames<ProcessPoolOptions>({
  spares: true,
  title: true,
  bus: true,
  listen: true,
  ahead: true,
});

export interface StartOptions {
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds until the wait rejects with `ERR_MILLRACE_TIMEOUT`. Default: none; each process has its own. */
  readonly timeout?: number | undefined;
}

export interface StopOptions {
  /** Which members; default all, and the pool with them. */
  readonly members?: readonly Member[];
  /** The word for how, handed to the processes. Default `'stop'`. */
  readonly mode?: string;
  /** Milliseconds until what is left is killed; Infinity waits for all of it. Default 3,000. */
  readonly timeout?: number;
}

export const START_OPTIONS = optionNames<StartOptions>(WAIT_OPTION_NAMES);
export const STOP_OPTIONS = optionNames<StopOptions>({ members: true, mode: true, timeout: true });
/** Of those that are told which members otherwise. */
export const REMOVE_OPTIONS = optionNames<Omit<StopOptions, 'members'>>({ mode: true, timeout: true });

/** Makes the members of a pool that can grow and shrink. */
export interface Members {
  readonly size: number;
  /** The spec of member `i`; each has a name of its own. */
  readonly member: (i: number) => MemberSpec;
}

const MEMBERS = optionNames<Members>({ size: true, member: true });

/** The specs of the first members, of what the constructor of a pool was given. */
export function checkPool(
  members: readonly MemberSpec[] | Members,
  events: ProcessPoolEvents,
  options: ProcessPoolOptions,
): readonly MemberSpec[] {
  for (const argument of [members, events])
    for (const name in argument)
      if (PROCESS_POOL_OPTIONS.has(name)) throw misplaced(name, argument[name as never]);
  checkOptions(options, PROCESS_POOL_OPTIONS, 'A ProcessPool');
  checkHandlers(events, PROCESS_POOL_EVENTS, 'a ProcessPool', 'events');
  if (Array.isArray(members)) return checkMembers(members);
  const made = typeof members === 'object' && members !== null ? (members as Members) : undefined;
  if (made !== undefined) checkOptions(made, MEMBERS, 'Members of a ProcessPool');
  if (typeof made?.member !== 'function' || !Number.isInteger(made.size) || made.size < 0)
    throw new ArgumentError(
      'ERR_MILLRACE_MEMBERS_VALUE',
      `A ProcessPool has an array of members, as [{ name, entry }], or { size, member } with a size of 0 or more and a function, not ${shown(members)}.`,
      { argument: 'members', value: members },
    );
  return checkMembers(Array.from({ length: made.size }, (_, i) => made.member(i)));
}

/** Throws `ERR_MILLRACE_MEMBERS_VALUE` for what is no member; its options are checked where it is made. */
export function checkMembers(specs: readonly MemberSpec[]): readonly MemberSpec[] {
  for (const spec of specs)
    if (typeof spec?.name !== 'string' || spec.entry === undefined)
      throw new ArgumentError(
        'ERR_MILLRACE_MEMBERS_VALUE',
        `A member is an object with a 'name' and an 'entry', the module that it runs, not ${shown(spec)}.`,
        { argument: 'members', value: spec },
      );
  return specs;
}

function misplaced(name: string, value: unknown): ArgumentError {
  return new ArgumentError(
    'ERR_MILLRACE_UNKNOWN_OPTION',
    `'${name}' is an option of the pool: new ProcessPool(members, events, { ${name} }).`,
    { argument: name, value },
  );
}

export interface PoolStatus {
  readonly running: boolean;
  readonly reloading: boolean;
  readonly members: readonly MemberStatus[];
  readonly spares: { readonly pids: readonly number[]; readonly loaded: number };
}

/** The messages between parent and child on the control pipe, and how a child learns that it has one. */

import type { QueueAssignment } from '../system/process-queue.js';

/** The environment variable that carries a {@link SpawnInfo} to a child. It is removed once it has been read. */
export const SPAWN_INFO_VARIABLE = 'MILLRACE_PROCESS';

/** The descriptor of the control pipe in a child: the first after standard input, output and error. */
export const CONTROL_FD = 3;

/** Names of descriptors that the package itself hands down. */
export const VALUES_PIPE = 'millrace.pipe.values';
export const BYTES_PIPE = 'millrace.pipe.bytes';
export const BUS = 'millrace.bus';
export const REQUESTS = 'millrace.requests';
export const HALT = 'millrace.halt';

/** How many processes a process is to start before it has its assignment, and what `ps` shows of them until they have theirs. */
export interface AheadOrder {
  readonly count: number;
  readonly title: string;
}

/** What a process is told when it is spawned; its member comes later, in an {@link Assignment}. */
export interface SpawnInfo {
  /** The parent's pid. */
  readonly parent: number;
  /** Where Node was started, for the paths among its options. */
  readonly startedIn: string;
  /** Its working directory when its entry module runs, if that is another. */
  readonly workingDirectory?: string | undefined;
  /** Its assignment comes as soon as it can be read, so it has no time to warm up. */
  readonly isAwaited?: boolean | undefined;
  /** What it starts before its own assignment. */
  readonly below?: AheadOrder | undefined;
}

/** Makes an unassigned process the next one of a member. */
export interface Assignment {
  /** The member's name, as `worker 0`. */
  readonly name: string;
  readonly title: string;
  /** Counts the processes that have had this name, from 1. */
  readonly incarnation: number;
  /** The names of the descriptors that come with the assignment, in their order. */
  readonly descriptors: readonly string[];
  readonly maxJobs: number | undefined;
  /** It waits in `begun` until `begin` comes. */
  readonly standby: boolean;
  readonly endsByItself: boolean;
  readonly queue: QueueAssignment | undefined;
  /** The `data` of the member's spec. */
  readonly data: unknown;
}

export type ToChild =
  /** Asks for a graceful end; `mode` tells how. */
  | { readonly type: 'stop'; readonly mode: string }
  | { readonly type: 'message'; readonly body: unknown }
  /** The process that it has waited for has ended: it takes the place. */
  | { readonly type: 'begin'; readonly title: string }
  /** The previous process of the member has ended: this one reads from the bus. */
  | { readonly type: 'bus-open' }
  /** A message on the bus was addressed to a member that is not there. */
  | { readonly type: 'undelivered'; readonly to: string };

export type ToParent =
  /** The entry module has been loaded as far as `inherit`, which waits for the assignment. */
  | { readonly type: 'loaded' }
  | { readonly type: 'ready' }
  | { readonly type: 'message'; readonly body: unknown }
  /** This process takes requests of clients, within these limits. */
  | { readonly type: 'serves'; readonly maxRequestSize: number; readonly timeout: number }
  /** Asks to be replaced, and to be drained when the replacement is ready. */
  | { readonly type: 'replace' }
  /** Asks to be replaced at once; this process ends when its work is done. */
  | { readonly type: 'detach' }
  /** No other process is to be started when this one ends. */
  | { readonly type: 'last' }
  /** Asks for a stop of the whole pool. */
  | { readonly type: 'shutdown' };

/** Messages that a member handles, besides those of a single run. */
export type ToMember = Exclude<ToParent, { readonly type: 'loaded' | 'ready' }>;

/** Messages that the pool handles. */
export type ToPool = Exclude<ToParent, { readonly type: 'loaded' | 'ready' | 'detach' | 'last' }>;

type Check = (value: unknown) => boolean;

const isAnything: Check = () => true;
const isText: Check = (value) => typeof value === 'string';
/** A number of bytes or milliseconds; Infinity: no limit. */
const isAmount: Check = (value) => typeof value === 'number' && value >= 0;

type Kind = (ToChild | ToParent)['type'];

/** The type of every field of every kind, so that a wrong value is refused here and not found where it is used. */
const FIELDS: Readonly<Record<Kind, Readonly<Record<string, Check>>>> = {
  stop: { mode: isText },
  begin: { title: isText },
  message: { body: isAnything },
  'bus-open': {},
  undelivered: { to: isText },
  loaded: {},
  ready: {},
  serves: { maxRequestSize: isAmount, timeout: isAmount },
  replace: {},
  detach: {},
  last: {},
  shutdown: {},
};

/** Whether a value has the form of a control message: the process at the other end of the pipe may send anything. */
export function isControlMessage(value: unknown): value is { readonly type: string } {
  return typeof (value as { readonly type?: unknown } | null | undefined)?.type === 'string';
}

/** Whether every field of a message has the type that its kind demands; logs the first that has not. */
export function hasValidFields(message: { readonly type: string }): boolean {
  // The switch over the kinds logs those that are unknown.
  const fields = Object.hasOwn(FIELDS, message.type) ? FIELDS[message.type as Kind] : {};
  for (const [field, check] of Object.entries(fields)) {
    if (check((message as Record<string, unknown>)[field])) continue;
    process.emitWarning(
      `A control message of the kind '${message.type}' with an invalid '${field}' is ignored.`,
      { code: 'MILLRACE_BAD_MESSAGE' },
    );
    return false;
  }
  return true;
}

/** The last branch of every switch over kinds: the other process runs another version of this package. */
export function unknownMessage(message: never): void {
  const { type } = message as { readonly type?: unknown };
  process.emitWarning(`A control message of the unknown kind '${String(type)}' is ignored.`, {
    code: 'MILLRACE_UNKNOWN_MESSAGE',
  });
}

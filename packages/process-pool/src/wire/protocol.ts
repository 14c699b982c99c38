/** What parent and child say to each other on the control pipe, and how a child learns that it has one. */

import type { QueueBirth } from '../system/process-queue.js';

/** The environment variable that carries a {@link Call} to a child. It is removed as soon as it has been read. */
export const CALL_VARIABLE = 'MILLRACE_PROCESS';

/** The descriptor of the control pipe in a child: the first after standard input, output and error. */
export const CONTROL_FD = 3;

/** Names of descriptors that are handed down for the package's own purposes. */
export const VALUES_PIPE = 'millrace.pipe.values';
export const BYTES_PIPE = 'millrace.pipe.bytes';
export const BUS = 'millrace.bus';
export const REQUESTS = 'millrace.requests';

/** What a process knows of itself when it starts; who it is to be comes later, as a {@link Birth}. */
export interface Call {
  /** The parent's pid. */
  readonly parent: number;
  /** Where Node was started, for the paths among its options. */
  readonly startedIn: string;
  /** Where it is to be before its entry module runs, if that is another place. */
  readonly settleIn?: string | undefined;
}

export interface Birth {
  /** The member's name, as `worker 0`. */
  readonly name: string;
  readonly title: string;
  /** Counts the processes that have had this name, from 1. */
  readonly incarnation: number;
  /** The names of the descriptors that come with the birth, in their order. */
  readonly descriptors: readonly string[];
  readonly maxJobs: number | undefined;
  readonly endsByItself: boolean;
  readonly queue: QueueBirth | undefined;
  /** Whatever the parent wants the child to know; JSON. */
  readonly data: unknown;
}

export type ToChild =
  /** End in the orderly way, `mode` is the parent's word for how. */
  | { readonly type: 'stop'; readonly mode: string }
  | { readonly type: 'message'; readonly body: unknown }
  /** The process before this one has ended: its place on the bus is free. */
  | { readonly type: 'bus-open' }
  /** A message of the bus has found nobody. */
  | { readonly type: 'undelivered'; readonly to: string };

export type ToParent =
  /** The entry module has been loaded as far as `inherit`, which waits for the birth. */
  | { readonly type: 'waiting' }
  | { readonly type: 'ready' }
  | { readonly type: 'message'; readonly body: unknown }
  /** I take requests of clients, within these limits. */
  | { readonly type: 'serves'; readonly maxRequestSize: number; readonly timeout: number }
  /** Put another process in my place, and tell me to go when it is ready. */
  | { readonly type: 'replace' }
  /** Put another process in my place now; I go when I am done. */
  | { readonly type: 'detach' }
  /** Start no other process when this one ends. */
  | { readonly type: 'last' }
  /** End the whole pool. */
  | { readonly type: 'shutdown' };

/** What of that is not of one process alone. */
export type ToMember = Exclude<ToParent, { readonly type: 'waiting' | 'ready' }>;

/** What of that is the pool's to act on; the rest is of one process, or one name. */
export type ToPool = Exclude<ToParent, { readonly type: 'waiting' | 'ready' | 'detach' | 'last' }>;

type Check = (value: unknown) => boolean;

const isAnything: Check = () => true;
const isText: Check = (value) => typeof value === 'string';
/** A number of bytes or milliseconds; Infinity: no limit. */
const isAmount: Check = (value) => typeof value === 'number' && value >= 0;

type Kind = (ToChild | ToParent)['type'];

/** The type of every field of every kind, so that a wrong value is refused here and not found where it is used. */
const FIELDS: Readonly<Record<Kind, Readonly<Record<string, Check>>>> = {
  stop: { mode: isText },
  message: { body: isAnything },
  'bus-open': {},
  undelivered: { to: isText },
  waiting: {},
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

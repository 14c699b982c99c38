/** What parent and child say to each other on the control pipe, and how a child learns who it is. */

/** The environment variable that carries a {@link Birth} to a child. It is removed as soon as it has been read. */
export const BIRTH_VARIABLE = 'MILLRACE_PROCESS';

/** The descriptor of the control pipe in a child: the first after standard input, output and error. */
export const CONTROL_FD = 3;

export interface Birth {
  /** The member's name, as `worker 0`. */
  readonly name: string;
  /** Counts the processes that have had this name, from 1. */
  readonly incarnation: number;
  /** The parent's pid. */
  readonly parent: number;
  /** Handed-down descriptors by name, as numbered in the child. */
  readonly descriptors: Readonly<Record<string, number>>;
  /** Whatever the parent wants the child to know; JSON. */
  readonly data: unknown;
}

export type ToChild =
  /** End in the orderly way, `mode` is the parent's word for how. */
  { readonly type: 'stop'; readonly mode: string } | { readonly type: 'message'; readonly body: unknown };

export type ToParent = { readonly type: 'ready' } | { readonly type: 'message'; readonly body: unknown };

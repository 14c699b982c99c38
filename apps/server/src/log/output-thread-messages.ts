import type { ProcessLogOptions } from './log.js';

/** What the thread that reads the output of processes is started with. */
export interface OutputThreadData {
  /** Where processes hand over their pipes. */
  readonly socket: number;
  /** The memory of the last lines. */
  readonly ring: number;
  /** Pipes at once: a process that hands over more of them than there can be takes no descriptors of the master. */
  readonly most: number;
  /** Lines of a process in a second. */
  readonly limit: number;
  readonly log: Omit<ProcessLogOptions, 'level'>;
}

/** `'end'`: nothing writes any more. */
export type ToOutputThread = 'reopen' | 'end';

export type FromOutputThread = 'ended' | { readonly lost: number };

import { optionNames } from '@millrace/channel';
import { ReactorError } from '../errors.js';

export interface ReactorOptions {
  /**
   * `'node'`: the reactor runs inside Node's loop, beside everything else of this thread. `'blocking'`: the owner calls
   * `turn` or `run`, which sleep in epoll; nothing else of the thread runs meanwhile, promises included.
   * Default `'node'`.
   */
  readonly mode?: 'node' | 'blocking' | undefined;
  /** Bytes that `write` queues for one descriptor at most. Default 8 MiB. */
  readonly writeLimit?: number | undefined;
  /**
   * Gets what a callback threw; the turn goes on. What it throws itself ends the turn; what is deferred and has not run does in the next one.
   * Default: the turn goes on, then throws it: from `turn` or `run`, or as an uncaught exception in Node's loop.
   */
  readonly onError?: ((error: unknown) => void) | undefined;
}

export const REACTOR_OPTIONS = optionNames<ReactorOptions>({
  mode: true,
  writeLimit: true,
  onError: true,
});

/** Bytes that wait for one descriptor, unless an option says otherwise. */
export const DEFAULT_WRITE_LIMIT = 8 << 20;

/** Bytes that one read brings at most: the memory that the connections of a reactor share. */
export const READ_BYTES = 64 << 10;

export function checkMode(mode: string): void {
  if (mode === 'node' || mode === 'blocking') return;
  throw new ReactorError('ERR_MILLRACE_REACTOR_OPTION', `mode is 'node' or 'blocking', not '${mode}'.`);
}

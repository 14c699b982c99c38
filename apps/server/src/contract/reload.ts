import { optionNames } from '@millrace/channel';

/** What `server.reload` is asked for. */
export interface ReloadOptions {
  /** Task workers alone; by default workers and task workers. */
  readonly tasksOnly?: boolean;
}

export const RELOAD_OPTIONS = optionNames<ReloadOptions>({ tasksOnly: true });

/** What came of a reload. */
export type ReloadResult =
  /** Each has a new process, and the last of those before has ended. */
  | { readonly outcome: 'reloaded'; readonly replaced: number }
  /**
   * The new version does not come up: the process that was to be replaced goes on, and no other is touched after it;
   * `replaced` had got theirs before. `advice` says to an operator what has happened and what there is to do.
   */
  | { readonly outcome: 'failed'; readonly replaced: number; readonly advice: string }
  /** The server is being stopped: processes beyond `replaced` were not given new ones. */
  | { readonly outcome: 'stopped'; readonly replaced: number }
  /** Asked for in a worker, which may be replaced before there is a result: the log tells. */
  | { readonly outcome: 'requested' };

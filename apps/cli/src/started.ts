/** Names, in the environment of a server in the background, how that was started. */
export const STARTED_VARIABLE = 'MILLRACE_STARTED';

/** How a server was started: the arguments of Node, and where. */
export interface Started {
  readonly args: readonly string[];
  readonly cwd: string;
}

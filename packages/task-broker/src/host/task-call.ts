import type { Claim } from '../engine/task.js';

/** What a host's task process is called with: the body goes through the host as it is. */
export interface TaskCall {
  readonly number: number;
  readonly name: string;
  readonly attempt: number;
  readonly body: Uint8Array;
  readonly stream: boolean;
  /** Nobody wants the result. */
  readonly silent: boolean;
}

export function callOf({ number, name, attempt, body, stream, replyTo }: Claim): TaskCall {
  return { number, name, attempt, body, stream, silent: replyTo === undefined };
}

/** The module of the task processes: it loads the user's, whose address and limit are in its own. */
export function taskProgram(module: string, valueLimit: number): URL {
  const url = new URL('./task-program.js', import.meta.url);
  url.searchParams.set('tasks', module);
  url.searchParams.set('limit', String(valueLimit));
  return url;
}

/** How a process ended. */
export interface Exit {
  readonly pid: number | undefined;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Whether it had said that it was ready. */
  readonly wasReady: boolean;
  /** Milliseconds from when it was given its name to its end. */
  readonly uptime: number;
  /** Milliseconds from when it said that it was ready to its end; 0 when it never did. */
  readonly readyFor: number;
  /** Another process had taken its place before it ended. */
  readonly replaced: boolean;
  /** Why it could not even be started, or was killed from here: descriptors, memory or time have run out. */
  readonly error?: Error | undefined;
}

/** Why a process ended: it was done, it was killed from outside, or it failed. */
export type Cause = 'orderly' | 'killed' | 'failed';

/** What operators, terminals and service managers send, also to whole groups of processes, and the kernel's killer. */
const FROM_OUTSIDE: ReadonlySet<NodeJS.Signals> = new Set([
  'SIGKILL',
  'SIGTERM',
  'SIGHUP',
  'SIGINT',
  'SIGQUIT',
  'SIGUSR1',
  'SIGUSR2',
]);

/** Why a process ended. */
export function causeOf({ code, signal, wasReady, error }: Exit): Cause {
  if (code === 0 && wasReady) return 'orderly';
  // With an error it was killed from here, for it was not ready in time, or had no process at all.
  return signal !== null && FROM_OUTSIDE.has(signal) && error === undefined ? 'killed' : 'failed';
}

/** How a process ended, in the words of an error or a log: `by SIGKILL`, `with code 1`, or the error. */
export function describeEnd({ code, signal, error }: Pick<Exit, 'code' | 'signal' | 'error'>): string {
  if (error) return `(${error.message})`;
  return signal === null ? `with code ${code}` : `by ${signal}`;
}

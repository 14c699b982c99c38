/** How a process ended. */
export interface Exit {
  readonly pid: number | undefined;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Whether it had announced that it was ready. */
  readonly wasReady: boolean;
  /** Milliseconds from its assignment to its end. */
  readonly uptime: number;
  /** Milliseconds for which it was ready. */
  readonly readyFor: number;
  /** Whether it had been replaced before it ended. */
  readonly replaced: boolean;
  /** Why it could not be started, or was killed by the pool: out of descriptors or memory, a deadline, a malformed message. */
  readonly error?: Error | undefined;
}

/** Why a process ended: it was done, it was killed from outside, or it failed. */
export type Cause = 'orderly' | 'killed' | 'failed';

/** Sent by operators, terminals and service managers, also to whole process groups, and by the out-of-memory killer. */
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
  // With an error the pool has killed it, or it could not be started.
  return signal !== null && FROM_OUTSIDE.has(signal) && error === undefined ? 'killed' : 'failed';
}

/** How a process ended, in the words of an error or a log: `by SIGKILL`, `with code 1`, or the error. */
export function describeEnd({ code, signal, error }: Pick<Exit, 'code' | 'signal' | 'error'>): string {
  if (error) return `(${error.message})`;
  return signal === null ? `with code ${code}` : `by ${signal}`;
}

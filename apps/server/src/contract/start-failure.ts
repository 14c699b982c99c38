import { ServerError, type ServerErrorCode } from '../errors.js';

/** What a process has failed at in its start, for the master to tell, once. */
export interface StartFailure {
  /** The process: `worker 0`; undefined where the message names it. */
  readonly who?: string;
  readonly message: string;
  /** As the process would have printed it. */
  readonly stack: string;
  /** The class and the code of the error, where it has one. */
  readonly name?: string;
  readonly code?: string;
}

/** What a start in the master has rejected with, for the processes of the next. */
export interface FailedStart {
  readonly code: ServerErrorCode;
  readonly message: string;
}

export function failedStartOf(error: unknown): FailedStart {
  if (error instanceof ServerError) return { code: error.code, message: error.message };
  return { code: 'ERR_MILLRACE_START_FAILED', message: String(error) };
}

export function startFailureOf(who: string | undefined, error: unknown): StartFailure {
  if (!(error instanceof Error))
    return { ...(who !== undefined && { who }), message: String(error), stack: String(error) };
  const { name, message, stack = String(error) } = error;
  const { code } = error as { code?: unknown };
  return {
    ...(who !== undefined && { who }),
    name,
    message,
    stack,
    ...(typeof code === 'string' && { code }),
  };
}

/**
 * What `start` rejects with in the master: what the process has failed at is its cause, with the stack that it had where it was
 * thrown. Where an error of the project's own comes from is of no use: its message says what to do.
 */
export function errorOf({ who, name = 'Error', message, stack, code }: StartFailure): ServerError {
  // The pool has given it up without a word of its own.
  if (who === undefined) return new ServerError('ERR_MILLRACE_START_FAILED', message);
  const cause = new Error(message);
  cause.stack = code?.startsWith('ERR_MILLRACE_') ? `${name}: ${message}` : stack;
  if (code !== undefined) Object.assign(cause, { code });
  return new ServerError('ERR_MILLRACE_START_FAILED', `${who} has failed in its start: ${message}`, {
    cause,
  });
}

/**
 * Until the returned function is called, an uncaught error in this process ends it and goes to `tell`, in place of being
 * printed by this process as by each that fails at the same.
 */
export function captureUncaught(tell: (error: unknown) => void): () => void {
  // As a capture callback it would keep the program from having one of its own, and from node:domain, which needs it.
  const captured = (error: unknown) => {
    // The program wants to go on.
    if (process.listenerCount('uncaughtException') > 0 || process.hasUncaughtExceptionCaptureCallback())
      return;
    tell(error);
    process.exit(1);
  };
  process.on('uncaughtExceptionMonitor', captured);
  return () => void process.off('uncaughtExceptionMonitor', captured);
}

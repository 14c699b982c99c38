import { ArgumentError, MillraceError } from '@millrace/channel/errors';
import { SystemCallError } from '@millrace/native';

/** The closed set of codes that errors of the server carry. Codes are stable; messages are not. */
export type ServerErrorCode =
  /** An option has a value that is not allowed; the message names option, value and what is. */
  | 'ERR_MILLRACE_OPTION'
  /** `on` of an event that there is not; the message has the nearest name. */
  | 'ERR_MILLRACE_UNKNOWN_EVENT'
  /** Something that is no session's id where one is needed. */
  | 'ERR_MILLRACE_SESSION_ID'
  /** A role needs a handler that has not been given. */
  | 'ERR_MILLRACE_HANDLER_MISSING'
  /** An address cannot be listened on: in use, not permitted, not this machine's. `cause` is the failed call. */
  | 'ERR_MILLRACE_LISTEN'
  /** The call belongs before `start`. */
  | 'ERR_MILLRACE_STARTED'
  /** Another server of this program has been started. */
  | 'ERR_MILLRACE_SECOND_SERVER'
  /** The call belongs after `start`. */
  | 'ERR_MILLRACE_NOT_RUNNING'
  /** The call belongs in a process of another role. */
  | 'ERR_MILLRACE_WRONG_ROLE'
  /** More than `socketBufferSize` waits for the client already; nothing was sent. */
  | 'ERR_MILLRACE_SESSION_FULL'
  /** More is to be kept with a session than there is room for: 4,096 bytes. What was kept before stays. */
  | 'ERR_MILLRACE_KEEP_SIZE'
  /** Two WebSocket servers of a program are to be resumed by the same name. */
  | 'ERR_MILLRACE_RESUMABLE_NAME'
  /** A file cannot be sent: it is not a regular file, or has not the bytes that were asked for. */
  | 'ERR_MILLRACE_FILE'
  /** There is no process of that id to send a message to. */
  | 'ERR_MILLRACE_NO_PROCESS'
  /** The server cannot be scaled to that: less than one, or more than it was started for; the message has the limit. */
  | 'ERR_MILLRACE_SCALE'
  /** What cannot be a topic: the message has what can. */
  | 'ERR_MILLRACE_TOPIC'
  /** A value that is to be published takes more bytes than the limit, which the message has. */
  | 'ERR_MILLRACE_PUBLICATION_SIZE'
  /** There is no command of that name, or not in that process. */
  | 'ERR_MILLRACE_NO_COMMAND'
  /** A process has not answered a command in time. */
  | 'ERR_MILLRACE_COMMAND_TIMEOUT'
  /** A certificate or key cannot be read or used; the message names listener, option and file. */
  | 'ERR_MILLRACE_TLS'
  /** The pid file cannot be written, or names a server that runs. */
  | 'ERR_MILLRACE_PID_FILE'
  /** The admin interface cannot be opened: its directory, its socket or its token; the message says which. */
  | 'ERR_MILLRACE_ADMIN'
  /** A server of that name runs already; the message has its pid. */
  | 'ERR_MILLRACE_NAME_TAKEN'
  /** The log file cannot be opened. */
  | 'ERR_MILLRACE_LOG_FILE'
  /** A process cannot become the user, or take the root directory, that the options say. */
  | 'ERR_MILLRACE_IDENTITY'
  /** `shutdown` was called before the start was through; everything is closed again. */
  | 'ERR_MILLRACE_STOPPED'
  /** The processes of the server did not come up. */
  | 'ERR_MILLRACE_START_FAILED';

export class ServerError extends MillraceError<ServerErrorCode> {
  override readonly name = 'ServerError';
}

/** Where a function was called from, for {@link shownAt}: `callee` is the function. */
export function callSite(callee: (...args: never[]) => unknown): string {
  const limit = Error.stackTraceLimit;
  const place: { stack?: string } = {};
  Error.stackTraceLimit = 1;
  Error.captureStackTrace(place, callee);
  Error.stackTraceLimit = limit;
  return (place.stack ?? '').split('\n').slice(1).join('\n');
}

/**
 * Has an error that is the caller's to mend, a wrong option for one, tell the place of the call and nothing of the server's
 * inside: what is printed of it is the message, a line and the code. Other errors stay as they are.
 */
export function shownAt(error: unknown, site: string): unknown {
  if (!(error instanceof ServerError || error instanceof ArgumentError)) return error;
  error.stack = `${error.name}: ${error.message}${site === '' ? '' : `\n${site}`}`;
  // A system call that has failed says all in its own words; where the server made it helps no user.
  if (error.cause instanceof SystemCallError) error.cause.stack = String(error.cause);
  return error;
}

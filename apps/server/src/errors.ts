/** The closed set of codes that errors of the server carry. Codes are stable; messages are not. */
export type ServerErrorCode =
  /** An option has a value that is not allowed; the message names option, value and what is. */
  | 'ERR_MILLRACE_OPTION'
  /** There is no option of that name; the message suggests the nearest. */
  | 'ERR_MILLRACE_UNKNOWN_OPTION'
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
  /** A file cannot be sent: it is not a regular file, or has not the bytes that were asked for. */
  | 'ERR_MILLRACE_FILE'
  /** There is no process of that id to send a message to. */
  | 'ERR_MILLRACE_NO_PROCESS'
  /** There is no command of that name, or not in that process. */
  | 'ERR_MILLRACE_NO_COMMAND'
  /** A process has not answered a command in time. */
  | 'ERR_MILLRACE_COMMAND_TIMEOUT'
  /** A certificate or key cannot be read or used; the message names listener, option and file. */
  | 'ERR_MILLRACE_TLS'
  /** The pid file cannot be written, or names a server that runs. */
  | 'ERR_MILLRACE_PID_FILE'
  /** A process cannot become the user, or take the root directory, that the options say. */
  | 'ERR_MILLRACE_IDENTITY'
  /** `shutdown` was called before the start was through; everything is closed again. */
  | 'ERR_MILLRACE_STOPPED'
  /** The processes of the server did not come up. */
  | 'ERR_MILLRACE_START_FAILED';

export class ServerError extends Error {
  override readonly name = 'ServerError';
  readonly code: ServerErrorCode;
  /** Of a failed system call: the kernel's number for the reason, its name, and the call. */
  readonly errno: number | undefined;
  readonly errnoName: string | undefined;
  readonly syscall: string | undefined;

  constructor(code: ServerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    const cause = options?.cause as { errno?: number; errnoName?: string; syscall?: string } | undefined;
    this.errno = cause?.errno;
    this.errnoName = cause?.errnoName;
    this.syscall = cause?.syscall;
  }
}

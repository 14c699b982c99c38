import { ServerError } from '../errors.js';

export function notRunning(why: string): ServerError {
  return new ServerError('ERR_MILLRACE_NOT_RUNNING', `No task can be asked for here: ${why}`);
}

import { ServerError } from '../errors.js';

/** `message` is a sentence that names the option, the value and what is allowed. */
export function optionError(message: string): ServerError {
  return new ServerError('ERR_MILLRACE_OPTION', message);
}

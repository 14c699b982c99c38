import { MillraceError } from '@millrace/channel/errors';

/** A configuration file that cannot be used; the message names the file, the option, its value and what is allowed. */
export class ConfigError extends MillraceError<'ERR_MILLRACE_CONFIG'> {
  override readonly name = 'ConfigError';

  constructor(file: string, message: string, cause?: unknown) {
    super('ERR_MILLRACE_CONFIG', `${file}: ${message}`, cause === undefined ? {} : { cause });
  }
}

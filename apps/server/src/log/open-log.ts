import type { ChildProcessContext } from '@millrace/process-pool';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { userIdOf } from '../options/user-id.js';
import { ProcessLog } from './log.js';
import type { Origin } from './origin.js';
import { standardOf } from './output-pipes.js';

type LogOptions = Pick<ResolvedOptions, 'logLevel' | 'logFile' | 'logFormat' | 'user'>;

/** The log of this process; `child`: undefined in the master. */
export function openLog(
  options: LogOptions,
  origin: Origin,
  child: ChildProcessContext | undefined,
): ProcessLog {
  const { logLevel: level, logFile: file, logFormat: format } = options;
  // Workers of another user write to it, too.
  const own = userIdOf(options);
  const trustedUsers = own === undefined ? [] : [own];
  const standard = child && standardOf(child.descriptors);
  const log = new ProcessLog({ level, origin, file, format, trustedUsers, standard });
  if (file !== undefined) log.openFile(child === undefined);
  return log;
}

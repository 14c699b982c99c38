import { realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MillraceError } from '@millrace/channel/errors';
import { passProgram } from './program-spec.js';

/** What `millrace start` is told, as commander names it. */
export interface StartFlags {
  readonly workers?: number;
  readonly reactors?: number;
  readonly mode: 'process' | 'base';
  readonly dispatch?: 'fixed' | 'ip' | 'least-connections';
  readonly name: string;
  readonly daemonize?: true;
  readonly pidFile?: string;
  readonly logFile?: string;
  readonly logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';
  readonly envFile?: string;
  readonly maxConnections?: number;
  readonly maxWait?: number;
  readonly user?: string;
  readonly group?: string;
}

/** Starts the server that runs a program. Resolves when it serves. */
export async function start(entry: string, args: readonly string[], flags: StartFlags): Promise<void> {
  const cwd = workingDirectory();
  const {
    workers,
    reactors,
    mode,
    dispatch,
    name,
    daemonize,
    pidFile,
    logFile,
    logLevel,
    envFile,
    maxConnections,
    maxWait,
    user,
    group,
  } = flags;
  passProgram({
    cwd,
    file: resolveEntry(entry, cwd),
    args: [...args],
    ...(envFile !== undefined && { envFile: resolve(cwd, envFile) }),
    server: {
      entry: fileURLToPath(new URL('program.js', import.meta.url)),
      mode,
      title: name,
      logLevel,
      ...(workers !== undefined && { workerNum: workers }),
      ...(reactors !== undefined && { reactorNum: reactors }),
      ...(dispatch !== undefined && { dispatchMode: dispatch }),
      ...(daemonize && { daemonize }),
      ...(pidFile !== undefined && { pidFile: resolve(cwd, pidFile) }),
      ...(logFile !== undefined && { logFile: resolve(cwd, logFile) }),
      ...(maxConnections !== undefined && { maxConnections }),
      ...(maxWait !== undefined && { maxWaitTime: maxWait }),
      ...(user !== undefined && { user }),
      ...(group !== undefined && { group }),
    },
  });
  await import('./program.js');
}

/** As the shell has it: a release folder behind a symlink is resolved anew by each process, not once and for all. */
function workingDirectory(): string {
  const cwd = process.cwd();
  const { PWD } = process.env;
  try {
    if (PWD !== undefined && realpathSync(PWD) === cwd) return PWD;
  } catch {
    // It names a directory that there is not: the one that the process is in does.
  }
  return cwd;
}

/** Finds it as `node` does, with the extension left out or by a directory; symlinks on the way stay in it. */
function resolveEntry(entry: string, cwd: string): string {
  const path = resolve(cwd, entry);
  try {
    const found = createRequire(join(cwd, 'from-here')).resolve(path);
    return found === realpathSync(path) ? path : found;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error;
    throw new EntryError(`There is no program ${path} to start.`);
  }
}

class EntryError extends MillraceError<'ERR_MILLRACE_ENTRY'> {
  override readonly name = 'EntryError';

  constructor(message: string) {
    super('ERR_MILLRACE_ENTRY', message);
  }
}

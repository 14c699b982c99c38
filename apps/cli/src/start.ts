import { realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MillraceError } from '@millrace/channel/errors';
import { claimedPid, isAdminName, serverNames } from '@millrace/server/admin';
import type { Program } from '@millrace/server/program';
import { sayWhatIsAwaited } from './awaited.js';
import { passProgram } from './program-spec.js';
import { STARTED_VARIABLE, type Started } from './started.js';

/** By what workers are chosen. */
export type Dispatch = Pick<NonNullable<Program['server']>, 'dispatchMode' | 'dispatchKey'>;

/** What `millrace start` is told, as commander names it. */
export interface StartFlags {
  readonly workers?: number;
  readonly reactors?: number;
  readonly mode: 'process' | 'base';
  readonly dispatch?: Dispatch;
  readonly name?: string;
  readonly daemonize?: true;
  readonly pidFile?: string;
  readonly logFile?: string;
  readonly logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';
  readonly logFormat?: 'json' | 'pretty';
  readonly adminPort?: number;
  readonly rawOutput?: true;
  readonly envFile?: string;
  readonly maxConnections?: number;
  readonly maxWait?: number;
  readonly retry?: true;
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
    logFormat,
    adminPort,
    rawOutput,
    envFile,
    maxConnections,
    maxWait,
    retry,
    user,
    group,
  } = flags;
  const file = resolveEntry(entry, cwd);
  const isBackground = process.env[STARTED_VARIABLE] !== undefined;
  const log = logFile === undefined ? 'Nothing keeps its log: --log-file does.' : `Its log is ${logFile}.`;
  // The log on the terminal says that itself, and the process in the background has none.
  const served =
    (daemonize || logFile !== undefined) && !isBackground ? sayWhatIsAwaited(basename(file), log) : () => {};
  if (daemonize) {
    const started: Started = { args: [...process.execArgv, ...process.argv.slice(1)], cwd };
    // The first process starts the one in the background, which inherits it.
    process.env[STARTED_VARIABLE] ??= JSON.stringify(started);
    sayThatItServes();
  }
  passProgram({
    cwd,
    file,
    args: [...args],
    ...(envFile !== undefined && { envFile: resolve(cwd, envFile) }),
    server: {
      entry: fileURLToPath(new URL('program.js', import.meta.url)),
      mode,
      title: name ?? 'millrace',
      admin: {
        name: name ?? nameOf(file),
        // Who asks for a port is told when there is none.
        optional: name === undefined && adminPort === undefined,
        ...(adminPort !== undefined && { port: adminPort }),
      },
      logLevel,
      ...(logFormat && { logFormat }),
      ...(rawOutput && { programOutput: 'raw' as const }),
      ...(workers !== undefined && { workerNum: workers }),
      ...(reactors !== undefined && { reactorNum: reactors }),
      ...dispatch,
      ...(daemonize && { daemonize }),
      ...(pidFile !== undefined && { pidFile: resolve(cwd, pidFile) }),
      ...(logFile !== undefined && { logFile: resolve(cwd, logFile) }),
      ...(maxConnections !== undefined && { maxConnections }),
      ...(maxWait !== undefined && { maxWaitTime: maxWait }),
      ...(retry && { retryRequests: true }),
      ...(user !== undefined && { user }),
      ...(group !== undefined && { group }),
    },
  });
  await import('./program.js');
  served();
}

/** Says so when the server in the background serves: this process ends then, and with 0. */
function sayThatItServes(): void {
  const before = new Set(pidsByName().values());
  process.on('exit', (code) => {
    if (code !== 0) return;
    for (const [name, pid] of pidsByName())
      if (!before.has(pid)) console.error(`${name} serves in the background: process ${pid}`);
  });
}

function pidsByName(): Map<string, number | undefined> {
  try {
    return new Map(serverNames().map((name) => [name, claimedPid(name)]));
  } catch (error) {
    // In a directory that is not for this user there is none of its servers; the log of the server says so.
    if ((error as NodeJS.ErrnoException).code === 'EACCES') return new Map();
    throw error;
  }
}

/** What a server is found by, where it has been given no name: that of its entry module, or of the directory where that says nothing. */
export function nameOf(file: string): string {
  const own = basename(file, extname(file));
  const name = (own === 'index' ? basename(dirname(file)) : own)
    .replaceAll(/[^A-Za-z0-9._-]/g, '-')
    .slice(0, 60);
  return isAdminName(name) ? name : 'app';
}

/** As the shell has it: a release folder behind a symlink is resolved anew by each process, not once and for all. */
export function workingDirectory(): string {
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
export function resolveEntry(entry: string, cwd: string): string {
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

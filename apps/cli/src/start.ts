import { readFileSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MillraceError } from '@millrace/channel/errors';
import { claimedPid, isAdminName, serverNames } from '@millrace/server/admin';
import { resolveProgramOptions } from '@millrace/server/program';
import { sayWhatIsAwaited } from './awaited.js';
import { CommandError } from './command-error.js';
import { findConfig, loadConfig } from './config/config-file.js';
import { effectiveOptions, startOptions, textsOf } from './config/effective.js';
import { adminFlags, flagOptions, type StartFlags } from './config/flags.js';
import { passProgram } from './program-spec.js';
import { STARTED_VARIABLE, type Started } from './started.js';

/** Starts the server that runs a program. Resolves when it serves. */
export async function start(
  entry: string | undefined,
  args: readonly string[],
  flags: StartFlags,
): Promise<void> {
  const cwd = workingDirectory();
  const { daemonize } = flags;
  const given = flagOptions(flags, args, cwd);
  const admin = adminFlags(flags, cwd);
  const configFile = findConfig(flags.config, entry, cwd);
  const config = configFile === undefined ? undefined : await loadConfig(configFile);
  const named = entry ?? config?.start.entry;
  if (named === undefined)
    throw new CommandError(
      'usage',
      `There is no program to start: name its entry module, or have 'entry' in ${config?.file ?? 'millrace.config.js'}.`,
    );
  const file = resolveEntry(named, cwd);
  const { name, envFile, args: programArgs = [] } = startOptions(given, config);
  const server = { ...config?.server, ...given.server };
  // What flags make of it: of the file it has been checked.
  resolveProgramOptions(server);
  const isBackground = process.env[STARTED_VARIABLE] !== undefined;
  const { logFile } = server;
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
    args: [...programArgs],
    ...(envFile !== undefined && { envFile }),
    ...(configFile !== undefined && {
      config: { file: configFile, flags: given },
      settings: textsOf(effectiveOptions(given, config)),
    }),
    ...(flags.watch && { watch: true }),
    server: {
      title: name ?? 'millrace',
      ...server,
      entry: fileURLToPath(new URL('program.js', import.meta.url)),
      admin: {
        name: name ?? nameOf(file),
        // Who asks for a port is told when there is none.
        optional: name === undefined && admin.port === undefined,
        ...admin,
      },
      ...(daemonize && { daemonize }),
    },
  });
  await import('./program.js');
  served();
}

/** Says so when the server in the background serves: this process ends then, and with 0. */
function sayThatItServes(): void {
  process.on('exit', (code) => {
    if (code !== 0) return;
    // Others may have been started at the same time.
    for (const [name, pid] of pidsByName())
      if (pid !== undefined && parentOf(pid) === process.pid)
        console.error(`${name} serves in the background: process ${pid}`);
  });
}

function parentOf(pid: number): number | undefined {
  try {
    return Number(/^PPid:\t(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  } catch {
    // It has ended.
    return undefined;
  }
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

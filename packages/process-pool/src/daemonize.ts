import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { ProcessPoolError } from './errors.js';

export interface DaemonizeOptions {
  /** Where the daemon runs. Default `/`, so that it holds no file system that somebody wants to unmount. */
  readonly directory?: string;
  /** The file that its output is added to. Default: none. */
  readonly output?: string;
}

const DAEMON_VARIABLE = 'MILLRACE_DAEMON';

/**
 * Goes on in the background: starts this program once more, in a session of its own without a terminal, and exits with
 * 0. There the same call resolves at once; call it first. Throws `ERR_MILLRACE_EXECUTE`, and the caller goes on.
 */
export async function daemonize({
  directory = '/',
  output = '/dev/null',
}: DaemonizeOptions = {}): Promise<void> {
  if (process.env[DAEMON_VARIABLE] !== undefined) {
    delete process.env[DAEMON_VARIABLE];
    return;
  }
  const out = openSync(output, 'a');
  try {
    const daemon = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
      detached: true,
      cwd: directory,
      stdio: ['ignore', out, out],
      env: { ...process.env, [DAEMON_VARIABLE]: '1' },
    });
    await once(daemon, 'spawn');
  } catch (cause) {
    const message = `The daemon could not be started in '${directory}': ${(cause as Error).message}`;
    throw new ProcessPoolError('ERR_MILLRACE_EXECUTE', message, { cause });
  } finally {
    closeSync(out);
  }
  process.exit(0);
}

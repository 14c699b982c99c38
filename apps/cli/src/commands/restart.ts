import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { AdminClient } from '../admin/client.js';
import { findServer } from '../admin/find-server.js';
import { CommandError } from '../command-error.js';
import { STARTED_VARIABLE, type Started } from '../started.js';
import { stop } from './stop.js';

/**
 * Stops a server and starts it as it was started: the same command line, directory and environment, which the kernel keeps of a server in
 * the background. What runs in the foreground has a parent that starts it anew.
 */
export async function restart(name: string | undefined): Promise<void> {
  const { name: found } = findServer(name);
  const { pid } = await new AdminClient(findServer(found)).get<{ pid: number }>('/v1/status');
  const environment = environmentOf(pid);
  const text = environment[STARTED_VARIABLE];
  if (text === undefined)
    throw new CommandError(
      'failed',
      `The server '${found}' runs in the foreground: what has started it (a terminal, systemd, a container) starts it anew. millrace start -d starts one that this can restart.`,
    );
  const { args, cwd } = JSON.parse(text) as Started;
  await stop(found);
  const started = spawn(process.execPath, args, { cwd, env: { ...environment, PWD: cwd }, stdio: 'inherit' });
  const [code] = (await once(started, 'exit')) as [number | null];
  if (code !== 0)
    throw new CommandError('failed', `The server '${found}' has ended, and does not start anew.`);
}

/** Of the process in the background alone: the one that is started now is not that yet, and the one that had metrics for it has ended. */
const NOT_HANDED_ON = ['MILLRACE_DAEMON', 'MILLRACE_PROGRAM', 'MILLRACE_METRICS'];

/** As the process was started with it. */
function environmentOf(pid: number): Record<string, string> {
  const entries = readFileSync(`/proc/${pid}/environ`, 'utf8')
    .split('\0')
    .filter((entry) => entry.includes('='));
  const variables = entries.map(
    (entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)] as const,
  );
  return Object.fromEntries(variables.filter(([variable]) => !NOT_HANDED_ON.includes(variable)));
}

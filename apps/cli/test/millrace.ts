import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { within } from '@millrace/testkit';

const MILLRACE = fileURLToPath(new URL('../dist/main.js', import.meta.url));

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command to its end. */
export async function millrace(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  cwd?: string,
  deadlineMs?: number,
): Promise<Ran> {
  const child = spawn(process.execPath, [MILLRACE, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
    cwd,
  });
  const texts = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (text: string) => {
      texts[name] += text;
    });
  const ended = within(`the end of millrace ${args.join(' ')}`, once(child, 'close'), deadlineMs);
  const [code] = (await ended) as [number | null];
  return { code, ...texts };
}

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { accepts } from '../accepts.js';
import { Child } from '../child.js';
import { freePort } from '../free-port.js';
import type { HttpProgram } from './programs.js';

const SOURCE = fileURLToPath(new URL('../../programs/hello.c', import.meta.url));
const COMPILER = process.env.CC ?? 'cc';

const hasCompiler = spawnSync(COMPILER, ['--version']).error === undefined;

/** The least that a server does for a request, in C: see programs/hello.c. */
export function cHello(): HttpProgram {
  const start = async (host: string) => {
    const directory = mkdtempSync(join(tmpdir(), 'bench-c-'));
    const remove = () => rmSync(directory, { recursive: true, force: true });
    try {
      const binary = join(directory, 'hello');
      const { status, stderr } = spawnSync(COMPILER, ['-O2', '-o', binary, SOURCE], { encoding: 'utf8' });
      if (status !== 0) throw new Error(`hello.c was not compiled: ${stderr.trim()}`);
      const port = await freePort();
      const child = new Child(binary, [`${port}`, host]);
      await accepts(port, host);
      const stop = async () => {
        await child.stop();
        remove();
      };
      return { child, port, stop };
    } catch (error) {
      remove();
      throw error;
    }
  };
  return { name: 'C, epoll', missing: hasCompiler ? undefined : `not measured: no ${COMPILER}`, start };
}

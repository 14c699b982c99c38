/**
 * The processes of a server as bare Node has them: as `root` it starts one, as `middle` that starts two, and two more when these run. Prints
 * a line of JSON, how many run, each time that two more do.
 */
import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';

const LEAF = fileURLToPath(new URL('./bare-leaf.js', import.meta.url));
const LEAVES = 4;
const AT_A_TIME = 2;

function start(...args: readonly string[]): Readable {
  return spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] }).stdout as Readable;
}

function startLeaves(running: number): void {
  let up = 0;
  for (let i = 0; i < AT_A_TIME; i++)
    start(LEAF).once('data', () => {
      if (++up < AT_A_TIME) return;
      process.stdout.write(`${running + up}\n`);
      if (running + up < LEAVES) startLeaves(running + up);
    });
}

if (process.argv[2] === 'middle') startLeaves(0);
else start(fileURLToPath(import.meta.url), 'middle').on('data', (text) => process.stdout.write(text));

/**
 * Every suite, its JSON and what is made of it: `npm run bench:all -- [--quick] [--runs N] [--out DIRECTORY] [SUITE…]`.
 * Suites run one after the other, in a process each; one that fails leaves its earlier result.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { drawAll, RESULTS } from './charts/results.js';
import { suiteNames } from './suites.js';

const MS_PER_MINUTE = 60_000;
const main = fileURLToPath(new URL('./main.js', import.meta.url));

interface Options {
  readonly quick?: boolean;
  readonly runs?: string;
  readonly out: string;
}

async function run(suite: string, file: string, options: readonly string[]): Promise<boolean> {
  const start = performance.now();
  const args = [main, suite, '--json', file, ...options];
  const child = spawn(process.execPath, args, { stdio: 'inherit' });
  const end = () => void child.kill();
  process.once('exit', end);
  const [code] = await once(child, 'exit');
  process.removeListener('exit', end);
  const minutes = ((performance.now() - start) / MS_PER_MINUTE).toFixed(1);
  console.log(`\n${suite}: ${minutes} minutes${code === 0 ? '' : ', and it failed'}\n`);
  return code === 0;
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

const program = new Command('npm run bench:all --')
  .argument('[suites...]', `of: ${suiteNames.join(', ')}`)
  .option('--quick', 'fewer and shorter runs')
  .option('--runs <number>', 'how many of each, instead')
  .option('--out <directory>', 'where results and charts are kept', RESULTS)
  .action(async (names: string[], { quick, runs, out }: Options) => {
    mkdirSync(out, { recursive: true });
    const wanted = names.length > 0 ? names : suiteNames;
    const options = [...(quick ? ['--quick'] : []), ...(runs === undefined ? [] : ['--runs', runs])];
    for (const name of wanted)
      if (!(await run(name, join(out, `${name}.json`), options))) process.exitCode = 1;
    await drawAll(out);
  });

await program.parseAsync();

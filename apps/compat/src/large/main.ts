/**
 * `npm run test:apps [-- --only programs,node,chaos,clients] [--tests DIRECTORY]`: what takes too long for every run of the tests, with
 * its results in `results/`. Ends with 1 when something differs from plain node that has no named reason.
 *
 * - `programs`: Nest and Next.js, installed and built, compared with plain node in both modes
 * - `node`: Node's own tests of HTTP, fetched into `--tests`
 * - `chaos`: 300 kills and 100 reloads under 200 connections, kills at every byte, WebSockets
 * - `clients`: what slow and idle clients cost the others
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildLarge } from './build.js';
import { LARGE } from './catalogue.js';
import { type Report, table } from './table.js';

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: 'programs,node,chaos,clients' },
    tests: { type: 'string', default: join(tmpdir(), 'millrace-node-tests') },
  },
});

const PACKAGE = fileURLToPath(new URL('../../', import.meta.url));
const result = (name: string) => join(PACKAGE, 'results', name);

/** Whether it ended with 0. */
function run(args: readonly string[], env: NodeJS.ProcessEnv = {}): boolean {
  console.error(`> node ${args.join(' ')}`);
  const options = { cwd: PACKAGE, env: { ...process.env, ...env }, stdio: 'inherit' } as const;
  const { status, error } = spawnSync(process.execPath, args, options);
  if (error !== undefined) throw error;
  return status === 0;
}

/** Whether all are answered as by plain node. */
function programs(): boolean {
  buildLarge();
  const directory = mkdtempSync(join(tmpdir(), 'millrace-large-'));
  try {
    const vitest = fileURLToPath(new URL('vitest.mjs', import.meta.resolve('vitest/package.json')));
    const file = join(directory, 'report.json');
    const same = run(
      [
        vitest,
        'run',
        '--project',
        'large-*',
        '--reporter',
        'default',
        '--reporter',
        'json',
        '--outputFile',
        file,
      ],
      { COMPAT_LARGE: '1' },
    );
    const report = JSON.parse(readFileSync(file, 'utf8')) as Report;
    writeFileSync(result('programs.md'), table(report, LARGE));
    return same;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const PARTS: Readonly<Record<string, () => boolean>> = {
  programs,
  node: () =>
    run([
      'dist/node-suite/main.js',
      '--tests',
      values.tests,
      '--modes',
      'process,base',
      '--lean',
      'process,base',
      '--not-applicable',
      'src/node-suite/not-applicable.json',
      '--table',
      result('node-http.md'),
    ]),
  chaos: () => {
    const inMode = (mode: string) =>
      run(['dist/chaos/main.js', '--mode', mode, '--table', result('chaos.md')]);
    const all = [inMode('process'), inMode('base')];
    return all.every(Boolean);
  },
  clients: () => run(['dist/clients/main.js', '--table', result('clients.md')]),
};

const failed: string[] = [];
for (const name of values.only.split(',')) {
  const part = PARTS[name];
  if (part === undefined) throw new RangeError(`--only ${name}: ${Object.keys(PARTS).join(', ')} are known.`);
  if (!part()) failed.push(name);
}
console.error(failed.length === 0 ? 'all as it should be' : `see above: ${failed.join(', ')}`);
process.exitCode = failed.length === 0 ? 0 : 1;

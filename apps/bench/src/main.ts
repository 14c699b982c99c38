import { writeFileSync } from 'node:fs';
import { Command } from 'commander';
import { measure } from './harness.js';
import { describeMachine } from './machine.js';
import { heading, type Report, table } from './report.js';
import { loadSuite, suiteNames } from './suites.js';
import { versionsOf } from './versions.js';

const RUNS = 5;
const QUICK_RUNS = 3;

interface Options {
  readonly json?: string;
  readonly quick?: boolean;
}

async function run(name: string, { json, quick = false }: Options): Promise<void> {
  const suite = await loadSuite(name);
  const command = ['npm run bench --', name, ...(quick ? ['--quick'] : [])].join(' ');
  const machine = describeMachine(command);
  const versions = versionsOf(suite.packages);
  console.log(`${heading(machine, versions)}\n`);
  const progress = process.stderr.isTTY
    ? (text: string) => process.stderr.write(`\r\x1b[K${text}`)
    : () => {};
  const outcomes = await measure(suite.groups({ quick }), quick ? QUICK_RUNS : RUNS, progress);
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  console.log(table(outcomes));
  for (const note of suite.notes) console.log(`\n${note}`);
  if (json === undefined) return;
  const rows = outcomes.flatMap(({ row }) => (row === undefined ? [] : [row]));
  const report: Report = { machine, versions, rows };
  writeFileSync(json, `${JSON.stringify(report, undefined, 2)}\n`);
}

const program = new Command('npm run bench --')
  .argument('<suite>', `one of: ${suiteNames.join(', ')}`)
  .option('--json <file>', 'also write the result to a file, as JSON')
  .option('--quick', `${QUICK_RUNS} shorter runs instead of ${RUNS}`)
  .action(async (name: string, options: Options) => {
    try {
      await run(name, options);
    } catch (error) {
      console.error(error instanceof Error ? error.message : error);
      process.exitCode = 1;
    }
  });

await program.parseAsync();

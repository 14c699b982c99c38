import { writeFileSync } from 'node:fs';
import { Command } from 'commander';
import { against, groupsOf } from './against.js';
import { type Group, measure } from './harness.js';
import { describeMachine } from './machine.js';
import { installPeers } from './peers.js';
import { figureTable, heading, type Report, table, whyAbsent } from './report.js';
import { loadSuite, suiteNames } from './suites.js';
import { swooleVersions } from './swoole.js';
import { versionsOf } from './versions.js';

const RUNS = 5;
const QUICK_RUNS = 3;
/** Programs that the user names: the command says which were named, and not where they lie. */
const NAMED = ['SWOOLE_SO', 'CECHO', 'TCPLOAD'];

interface Options {
  readonly json?: string;
  readonly quick?: boolean;
  readonly only?: string;
  readonly runs?: number;
  readonly against?: string;
}

async function run(
  name: string,
  { json, quick = false, only, runs: asked, against: other }: Options,
): Promise<void> {
  const suite = await loadSuite(name);
  const usual = quick ? QUICK_RUNS : (suite.runs ?? RUNS);
  const runs = asked ?? usual;
  if (!(Number.isInteger(runs) && runs > 0))
    throw new RangeError(`--runs must be a whole number above 0, not ${runs}.`);
  installPeers(suite.packages);
  const command = [...NAMED.filter((variable) => process.env[variable]).map((variable) => `${variable}=…`)]
    .concat(
      'npm run bench --',
      name,
      quick ? ['--quick'] : [],
      only === undefined ? [] : ['--only', `'${only}'`],
      runs === usual ? [] : ['--runs', `${runs}`],
      other === undefined ? [] : ['--against', '…'],
    )
    .join(' ');
  const machine = describeMachine(command);
  const versions = { ...versionsOf(suite.packages), ...swooleVersions() };
  console.log(`${heading(machine, versions)}\n`);
  const progress = process.stderr.isTTY
    ? (text: string) => process.stderr.write(`\r\x1b[K${text}`)
    : () => {};
  const own = chosen(suite.groups({ quick }), only);
  const groups = other === undefined ? own : against(own, await groupsOf(other, name, quick));
  const { compared, told } = await measure(groups, runs, progress);
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  console.log(table(compared));
  if (told.length > 0) console.log(`\n${figureTable(told)}`);
  for (const note of suite.notes) console.log(`\n${note}`);
  if (json === undefined) return;
  const rows = compared.flatMap(({ row }) => (row === undefined ? [] : [row]));
  const absent = compared
    .filter(({ row }) => row === undefined)
    .map((outcome) => {
      const { case: name, ours, peer } = outcome.comparison;
      return { case: name, ours: ours.name, peer: peer.name, why: whyAbsent(outcome) };
    });
  const report: Report = { machine, versions, rows, figures: told, absent };
  writeFileSync(json, `${JSON.stringify(report, undefined, 2)}\n`);
}

/** The groups that have a case which matches. */
function chosen(groups: readonly Group[], only: string | undefined): readonly Group[] {
  if (only === undefined) return groups;
  const wanted = new RegExp(only);
  const found = groups.filter(({ comparisons, figures = [] }) =>
    [...comparisons, ...figures].some(({ case: name }) => wanted.test(name)),
  );
  if (found.length === 0) throw new Error(`No case of this suite matches '${only}'.`);
  return found;
}

const program = new Command('npm run bench --')
  .argument('<suite>', `one of: ${suiteNames.join(', ')}`)
  .option('--json <file>', 'also write the result to a file, as JSON')
  .option('--quick', `${QUICK_RUNS} shorter runs instead of ${RUNS} or those of the suite`)
  .option('--runs <number>', 'how many runs, instead', Number)
  .option(
    '--only <pattern>',
    'only what is measured together with a case that matches this regular expression',
  )
  .option('--against <directory>', 'beside another checkout, built, instead of beside the peers')
  .action(async (name: string, options: Options) => {
    try {
      await run(name, options);
    } catch (error) {
      console.error(error instanceof Error ? error.message : error);
      process.exitCode = 1;
    }
  });

await program.parseAsync();

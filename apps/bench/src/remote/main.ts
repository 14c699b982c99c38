/** `npm run prove:tasks -- [PROOF…]`: tasks on other machines, which are network namespaces here, while those and the engine fail. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { ENGINES } from './engines.js';
import { Network } from './network.js';
import { type Outcome, PROOFS } from './proofs.js';

const program = new Command()
  .argument('[proofs...]', `of ${Object.keys(PROOFS).join(', ')}; default: all`)
  .option('--scale <share>', 'of the number of tasks', Number, 1)
  .option('--kill-every <ms>', 'between two kills of task processes', Number, 100)
  .option(
    '--silence <ms>',
    'without an answer, which are a fault while task processes are killed',
    Number,
    5_000,
  )
  .addOption(new Option('--engine <name>').choices(Object.keys(ENGINES)).default('bullmq'))
  .option('--out <file>', 'where the outcomes are written, as JSON')
  .parse();
const {
  scale,
  out,
  engine: chosen,
  killEvery,
  silence,
} = program.opts<{
  scale: number;
  killEvery: number;
  silence: number;
  out?: string;
  engine: keyof typeof ENGINES;
}>();
const wanted = program.args.length > 0 ? program.args : Object.keys(PROOFS);

const directory = mkdtempSync(join(tmpdir(), 'millrace-proofs-'));
mkdirSync('/run/netns', { recursive: true });
const network = new Network();
const address = network.add('engine');
for (const name of ['host1', 'host2', 'host3']) network.add(name);
const outcomes: (Outcome & { readonly engine: string; readonly seconds: number })[] = [];
try {
  for (const name of wanted) {
    const engine = new ENGINES[chosen](address, network.on('engine'));
    const since = performance.now();
    let outcome: Outcome;
    try {
      outcome = await (PROOFS[name] as (typeof PROOFS)[string])({
        network,
        engine,
        directory,
        scale,
        killEvery,
        silence,
      });
    } catch (error) {
      outcome = { what: name, saw: 'it came to no end', faults: [String(error)] };
    }
    engine.remove();
    const seconds = Math.round((performance.now() - since) / 1_000);
    outcomes.push({ engine: engine.name, seconds, ...outcome });
    const verdict = outcome.faults.length === 0 ? 'ok    ' : 'FAILED';
    console.log(`${verdict} ${engine.name}, ${seconds} s: ${outcome.what}: ${outcome.saw}`);
    for (const fault of outcome.faults) console.log(`       ${fault}`);
    if (out !== undefined) writeFileSync(out, `${JSON.stringify(outcomes, undefined, 2)}\n`);
  }
} finally {
  network.remove();
  rmSync(directory, { recursive: true, force: true });
}
process.exitCode = outcomes.some(({ faults }) => faults.length > 0) ? 1 : 0;

import type { Option } from 'commander';
import { STARTED_VARIABLE } from './started.js';

/** Says once that options behind the entry module are the program's, as `node` has it: other commands of this kind take them there. */
export function sayWhoseOptions(options: readonly Option[], entry: string, args: readonly string[]): void {
  const isMeantSo = process.argv.includes('--');
  if (isMeantSo || process.env[STARTED_VARIABLE] !== undefined) return;
  const isOption = (word: string) =>
    options.some(({ short, long }) => word === short || word.split('=')[0] === long);
  const known = args.filter(isOption);
  if (known.length === 0) return;
  console.error(
    `What is behind ${entry} is the program's, ${known.join(' ')} too: options of millrace stand before it. millrace start -- ${entry} … says that this is meant so.`,
  );
}

import { findConfig, loadConfig } from '../config/config-file.js';
import { effectiveOptions, text } from '../config/effective.js';
import { flagOptions, type StartFlags } from '../config/flags.js';

/** Prints the options that a start would have here, and where each comes from. */
export async function config(
  entry: string | undefined,
  args: readonly string[],
  flags: StartFlags & { readonly json?: true },
): Promise<void> {
  const cwd = process.cwd();
  const file = findConfig(flags.config, entry, cwd);
  const loaded = file === undefined ? undefined : await loadConfig(file);
  const options = effectiveOptions(flagOptions(flags, args, cwd), loaded);
  if (flags.json) return console.log(JSON.stringify({ file: file ?? null, options }, undefined, 2));
  console.error(
    file === undefined ? 'No configuration file: all are defaults.' : `Options of ${file}, and defaults:`,
  );
  const width = Math.max(...options.map(({ option }) => option.length));
  const shown = options.map(({ option, value, from }) => ({ option, value: text(value), from }));
  for (const { option, value, from } of shown)
    console.log(`${option.padEnd(width)}  ${from.padEnd(7)}  ${value}`);
}

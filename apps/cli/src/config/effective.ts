import { resolveProgramOptions } from '@millrace/server/program';
import type { LoadedConfig } from './config-file.js';
import type { FlagOptions } from './flags.js';

/** An option as it holds, and who has said so. */
export interface EffectiveOption {
  readonly option: string;
  readonly value: unknown;
  readonly from: 'flag' | 'file' | 'default';
}

/** All options that a start comes to: flags win over the file, the file over defaults. Throws what the server would. */
export function effectiveOptions(flags: FlagOptions, config: LoadedConfig | undefined): EffectiveOption[] {
  const server = { ...config?.server, ...flags.server };
  const resolved = { ...resolveProgramOptions(server), ...startOptions(flags, config) };
  const ofFlags = { ...flags.start, ...flags.server };
  const ofFile = { ...config?.start, ...config?.server };
  return Object.entries(resolved)
    .filter(([option]) => option !== 'admin' && option !== 'daemonize')
    .map(([option, value]): EffectiveOption => {
      const from = option in ofFlags ? 'flag' : option in ofFile ? 'file' : 'default';
      return { option, value, from };
    })
    .sort((one, other) => one.option.localeCompare(other.option));
}

/** How the program is run. */
export function startOptions(flags: FlagOptions, config: LoadedConfig | undefined) {
  return { ...config?.start, ...flags.start };
}

/** Each option's value, in words. */
export function textsOf(options: readonly EffectiveOption[]): Record<string, string> {
  return Object.fromEntries(options.map(({ option, value }) => [option, text(value)]));
}

/** What is another than before, in words. */
export function changesOf(
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
): { readonly option: string; readonly change: string }[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((option) => {
    const [from = '-', to = '-'] = [before[option], after[option]];
    return from === to ? [] : [{ option, change: `${option} ${from} -> ${to}` }];
  });
}

export const text = (value: unknown): string => {
  if (value === undefined) return '-';
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
};

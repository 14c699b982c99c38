import type { ProgramHooks } from '@millrace/server/program';
import type { ConfiguredProgram, ProgramSpec } from '../program-spec.js';
import { loadConfig } from './config-file.js';
import { changesOf, effectiveOptions, startOptions, textsOf } from './effective.js';
import { readConfigAnew } from './read-config-anew.js';

/** Options that are of one process alone: what the file says of them now holds for the processes that a reload brings. */
const OF_A_PROCESS: ReadonlySet<string> = new Set([
  'args',
  'envFile',
  'logLevel',
  'maxRequest',
  'maxRequestGrace',
  'maxWaitTime',
  'workerMaxConcurrency',
]);

type Server = Parameters<NonNullable<ProgramHooks['prepare']>>[0];

/** Has a reload take the settings as the files say them then, and the log say what has changed. */
export function freshSettings(config: ProgramSpec['config']): ProgramHooks<ConfiguredProgram> {
  let server: Server | undefined;
  return {
    async refresh(given) {
      if (config === undefined) return given;
      const loaded = await loadConfig(config.file, readConfigAnew);
      const options = effectiveOptions(config.flags, loaded);
      const { args = [], envFile } = startOptions(config.flags, loaded);
      const { envFile: _, ...rest } = given;
      const shared = Object.entries(given.server ?? {}).filter(([option]) => !OF_A_PROCESS.has(option));
      const own = Object.entries({ ...loaded.server, ...config.flags.server }).filter(([option]) =>
        OF_A_PROCESS.has(option),
      );
      return {
        ...rest,
        args,
        ...(envFile !== undefined && { envFile }),
        server: Object.fromEntries([...shared, ...own]),
        settings: textsOf(options),
      };
    },
    prepare(made) {
      server = made;
    },
    refreshed(before, now) {
      if (server === undefined) return;
      const { log } = server;
      const where = config?.file ?? '';
      for (const { option, change } of changesOf(before.settings ?? {}, now.settings ?? {})) {
        if (OF_A_PROCESS.has(option)) log.info({ file: where }, `${change}, by ${where}`);
        else log.warn({ file: where }, `${change}, by ${where}: that takes a restart${insteadOf(option)}`);
      }
      const names = changedVariables(before.variables, now.variables);
      if (names.length > 0)
        log.info({ variables: names }, `other variables for the program: ${names.join(', ')}`);
    },
  };
}

function insteadOf(option: string): string {
  if (option === 'workerNum') return '; millrace scale workers=N does it at once';
  return '';
}

/** Their names: values are nobody's business but the program's. */
function changedVariables(
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
): string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].filter((name) => before[name] !== after[name]).sort();
}

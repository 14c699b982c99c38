import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import type { Program, ProgramHooks } from '@millrace/server/program';
import type { ProgramSpec } from '../program-spec.js';
import { loadConfig } from './config-file.js';
import { changesOf, type EffectiveOption, effectiveOptions, startOptions } from './effective.js';

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

interface Settings {
  readonly options: readonly EffectiveOption[];
  readonly variables: ReadonlyMap<string, string>;
}

/** Has each process that comes take the settings as the files say them then, and the log say at a reload what has changed. */
export function freshSettings(program: Program, config: ProgramSpec['config']): ProgramHooks {
  let last: Settings | undefined;
  const read = async (): Promise<{ readonly now: Settings; readonly start: Partial<Program> }> => {
    const loaded = config && (await loadConfig(config.file));
    const start = config === undefined ? program : startOptions(config.flags, loaded);
    const options = config === undefined ? [] : effectiveOptions(config.flags, loaded);
    return { now: { options, variables: variablesOf(start.envFile) }, start };
  };
  return {
    async refresh(given) {
      const { now, start } = await read();
      last = now;
      if (config === undefined) return given;
      const ofProcess = now.options.filter(({ option }) => OF_A_PROCESS.has(option) && !(option in start));
      const { args = [], envFile } = start;
      const { envFile: _, ...rest } = given;
      return {
        ...rest,
        args,
        ...(envFile !== undefined && { envFile }),
        server: {
          ...given.server,
          ...Object.fromEntries(ofProcess.map(({ option, value }) => [option, value])),
        },
      };
    },
    prepare(server) {
      // In the manager, which lives longer than the processes that it replaces.
      server.on('beforeReload', async () => {
        const before = last;
        const { now } = await read();
        last = now;
        if (before === undefined) return;
        const changes = changesOf(before.options, now.options);
        for (const change of changes) {
          const [option = ''] = change.split(' ');
          const taken = OF_A_PROCESS.has(option);
          const where = config?.file ?? '';
          if (taken) server.log.info({ file: where }, `${change}, by ${where}`);
          else
            server.log.warn(
              { file: where },
              `${change}, by ${where}: that takes a restart${insteadOf(option)}`,
            );
        }
        const names = changedVariables(before.variables, now.variables);
        if (names.length > 0)
          server.log.info({ variables: names }, `other variables for the program: ${names.join(', ')}`);
      });
    },
  };
}

function insteadOf(option: string): string {
  if (option === 'workerNum') return '; millrace scale workers=N does it at once';
  return '';
}

/** None where the file is not there: the process that is to have them says so. */
function variablesOf(file: string | undefined): ReadonlyMap<string, string> {
  if (file === undefined) return new Map();
  try {
    return new Map(Object.entries(parseEnv(readFileSync(file, 'utf8')) as Record<string, string>));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Map();
    throw error;
  }
}

/** Their names: values are nobody's business but the program's. */
function changedVariables(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): string[] {
  const names = new Set([...before.keys(), ...after.keys()]);
  return [...names].filter((name) => before.get(name) !== after.get(name)).sort();
}

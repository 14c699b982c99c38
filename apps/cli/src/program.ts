/** What every process of a server runs that runs a program: the entry module in place of the program's own. */
import { type ProgramHooks, startProgram } from '@millrace/server/program';
import { type ConfiguredProgram, takeProgram } from './program-spec.js';

const { config, watch, ...program } = takeProgram();
const parts: ProgramHooks<ConfiguredProgram>[] = [];
if (config !== undefined || program.envFile !== undefined) {
  const { freshSettings } = await import('./config/fresh-settings.js');
  parts.push(freshSettings(config));
}
const files = watch ? await import('./watch/watched-program.js') : undefined;
if (files !== undefined) parts.push(files.watchedProgram(program, config?.file));

const server = await startProgram(program, {
  prepare: (made) => {
    for (const part of parts) part.prepare?.(made);
  },
  refresh: async (given) => {
    let now = given;
    for (const part of parts) now = (await part.refresh?.(now)) ?? now;
    return now;
  },
  refreshed: (before, now) => {
    for (const part of parts) part.refreshed?.(before, now);
  },
  beforeProgram: (made) => {
    for (const part of parts) part.beforeProgram?.(made);
  },
});
files?.begin(server, program.cwd ?? process.cwd());

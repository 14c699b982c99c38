import { statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { type ProgramServerOptions, resolveProgramOptions } from '@millrace/server/program';
import type { MillraceConfig } from './config.js';
import { ConfigError } from './config-error.js';
import { readConfig } from './read-config.js';

const NAMES = ['ts', 'mts', 'js', 'mjs', 'cjs', 'json'].map((extension) => `millrace.config.${extension}`);

/** What a file says, checked, with its paths as they are meant. */
export interface LoadedConfig {
  readonly file: string;
  readonly start: Pick<MillraceConfig, 'entry' | 'args' | 'name' | 'envFile'>;
  /** Options of the server. */
  readonly server: ProgramServerOptions;
}

/** The file that goes with a program: the one that is named, or else beside its entry module, or in the directory. */
export function findConfig(
  named: string | undefined,
  entry: string | undefined,
  cwd: string,
): string | undefined {
  if (named !== undefined) return resolve(cwd, named);
  const directories = [...(entry === undefined ? [] : [dirname(resolve(cwd, entry))]), cwd];
  for (const directory of directories)
    for (const name of NAMES) {
      const file = join(directory, name);
      if (statSync(file, { throwIfNoEntry: false })?.isFile()) return file;
    }
  return undefined;
}

/** Throws `ERR_MILLRACE_CONFIG`. */
export async function loadConfig(
  file: string,
  read: (file: string) => Promise<unknown> = readConfig,
): Promise<LoadedConfig> {
  const config = await read(file);
  if (typeof config !== 'object' || config === null || Array.isArray(config))
    throw new ConfigError(file, 'it has no options: an object is needed, or a function that returns one.');
  const { entry, args, name, envFile, ...server } = config as MillraceConfig;
  for (const [option, value] of Object.entries({ entry, name, envFile }))
    if (value !== undefined && (typeof value !== 'string' || value === ''))
      throw new ConfigError(
        file,
        `The option '${option}' cannot be ${shown(value)}: a text that is not empty.`,
      );
  if (args !== undefined && !(Array.isArray(args) && args.every((arg) => typeof arg === 'string')))
    throw new ConfigError(file, `The option 'args' cannot be ${shown(args)}: a list of texts.`);
  for (const option of ['admin', 'daemonize'])
    if (option in server)
      throw new ConfigError(
        file,
        `The option '${option}' is none of a file: the server always has an admin interface, and -d runs it in the background.`,
      );
  try {
    resolveProgramOptions(server);
  } catch (error) {
    throw new ConfigError(file, (error as Error).message, error);
  }
  const here = (path: string) => resolve(dirname(file), path);
  const { pidFile, logFile } = server;
  return {
    file,
    start: {
      ...(entry !== undefined && { entry: here(entry) }),
      ...(args !== undefined && { args }),
      ...(name !== undefined && { name }),
      ...(envFile !== undefined && { envFile: here(envFile) }),
    },
    server: {
      ...server,
      ...(pidFile !== undefined && { pidFile: here(pidFile) }),
      ...(logFile !== undefined && { logFile: here(logFile) }),
    },
  };
}

const shown = (value: unknown): string => JSON.stringify(value) ?? String(value);

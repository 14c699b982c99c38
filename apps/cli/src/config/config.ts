import type { ProgramServerOptions } from '@millrace/server/program';

/** What `millrace start` is told by a file: options of the server, by their names, and how the program is run. */
export interface MillraceConfig extends Omit<ProgramServerOptions, 'admin' | 'daemonize'> {
  /** The entry module of the program; a path from the directory of the file. What the command line says comes first. */
  readonly entry?: string;
  /** Its arguments, where the command line has none. */
  readonly args?: readonly string[];
  /** What the server is found by, and what its processes are called. */
  readonly name?: string;
  /** Variables for the program, read at the start and at each reload; a path from the directory of the file. */
  readonly envFile?: string;
}

/**
 * Types a configuration: `export default defineConfig({ workerNum: 4 })` in `millrace.config.ts`. A function is called
 * each time that the file is read: at the start, and at a reload.
 */
export function defineConfig(
  config: MillraceConfig | (() => MillraceConfig | Promise<MillraceConfig>),
): MillraceConfig | (() => MillraceConfig | Promise<MillraceConfig>) {
  return config;
}

import type { Program } from '@millrace/server/program';
import type { FlagOptions } from './config/flags.js';
import { STARTED_VARIABLE } from './started.js';

const VARIABLE = 'MILLRACE_PROGRAM';

/** A program with all settings that its server has, in words, by the names of the options. */
export interface ConfiguredProgram extends Program {
  readonly settings?: Readonly<Record<string, string>>;
}

/** What every process of a server is to know of the program that it runs. */
export interface ProgramSpec extends ConfiguredProgram {
  /** The file that its options come from, which a reload reads anew, and the flags that win over it. */
  readonly config?: { readonly file: string; readonly flags: FlagOptions };
  /** Whether the server is reloaded when its files change. */
  readonly watch?: boolean;
}

/** Tells the processes of the server which program they run. */
export function passProgram(program: ProgramSpec): void {
  process.env[VARIABLE] = JSON.stringify({
    ...program,
    without: [VARIABLE, STARTED_VARIABLE],
  } satisfies ProgramSpec);
}

/** The program that this process is to run. */
export function takeProgram(): ProgramSpec {
  const text = process.env[VARIABLE];
  if (text === undefined)
    throw new Error(`Run by itself, this module has nothing to start: ${VARIABLE} is not set.`);
  return JSON.parse(text) as ProgramSpec;
}

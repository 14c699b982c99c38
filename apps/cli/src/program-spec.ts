import type { Program } from '@millrace/server/program';
import { STARTED_VARIABLE } from './started.js';

const VARIABLE = 'MILLRACE_PROGRAM';

/** Tells the processes of the server which program they run. */
export function passProgram(program: Program): void {
  process.env[VARIABLE] = JSON.stringify({
    ...program,
    without: [VARIABLE, STARTED_VARIABLE],
  } satisfies Program);
}

/** The program that this process is to run. */
export function takeProgram(): Program {
  const text = process.env[VARIABLE];
  if (text === undefined)
    throw new Error(`Run by itself, this module has nothing to start: ${VARIABLE} is not set.`);
  return JSON.parse(text) as Program;
}

import { closeSync, writeSync } from 'node:fs';
import { dieWithParent } from '@millrace/native/internal';
import { PROGRAM_OUTPUTS, type ProgramOutput } from './options.js';

/** The environment variable by which `startTestServer` tells the processes of a server that they are under test. */
export const TEST_VARIABLE = 'MILLRACE_UNDER_TEST';
/** The descriptor on which the master says where it listens. */
export const TEST_FD = 3;

/** What a test's server says of itself once it accepts clients. */
export interface TestReport {
  readonly addresses: readonly { readonly host: string; readonly port: number; readonly path?: string }[];
}

interface UnderTest {
  /** The test's pid. */
  readonly parent: number;
}

function underTest(): UnderTest | undefined {
  const text = process.env[TEST_VARIABLE];
  return text === undefined ? undefined : (JSON.parse(text) as UnderTest);
}

/** Where the output of processes goes: a test looks at what the program prints, as it is. */
export function programOutputHere(): ProgramOutput {
  const wanted = process.env.MILLRACE_PROGRAM_OUTPUT;
  const byDefault = underTest() === undefined ? 'log' : 'raw';
  return PROGRAM_OUTPUTS.find((one) => one === wanted) ?? byDefault;
}

/** The port to listen on: any free one in a test, in every process alike, and else what the options say. */
export function portUnderTest(port: number): number {
  return underTest() === undefined ? port : 0;
}

/** In the master, before there is any other process: the server does not outlive its test. */
export function tieToTest(): void {
  const test = underTest();
  if (test !== undefined && !dieWithParent(test.parent)) process.exit(1);
}

/** In the master, once the server accepts clients. */
export function tellTest(addresses: TestReport['addresses']): void {
  if (underTest() === undefined) return;
  writeSync(TEST_FD, `${JSON.stringify({ addresses } satisfies TestReport)}\n`);
  closeSync(TEST_FD);
}

/** What every process of a server runs that runs a program: the entry module in place of the program's own. */
import { startProgram } from '@millrace/server/program';
import { takeProgram } from './program-spec.js';

await startProgram(takeProgram());

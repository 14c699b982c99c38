/**
 * Runs a program that is not written for this server, as `node app.js` would, in its workers: what it listens on the master accepts
 * from, and its clients outlive the processes that serve them.
 *
 * @example
 * // start.js, which every process of the server runs: node start.js
 * import { startProgram } from '@millrace/server/program';
 *
 * await startProgram({ file: new URL('app.js', import.meta.url).pathname, server: { workerNum: 4 } });
 */

export { failureText } from './programs/failure-text.js';
export { type ProgramServerOptions, resolveProgramOptions } from './programs/program-options.js';
export { type Program, type ProgramHooks, type RunProgram, startProgram } from './programs/start-program.js';

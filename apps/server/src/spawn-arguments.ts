import { ServerError } from './errors.js';

/** Options of Node that belong to one process: each has its own title, and a debugger's port serves one. */
const NOT_INHERITED = /^--(title|inspect(-brk|-port|-wait)?)(=|$)/;

/** How to run this program's entry module again, in another role. */
export function spawnArguments(): { entry: string; args: string[]; execArgv: string[] } {
  const [, entry, ...args] = process.argv;
  if (entry === undefined) {
    throw new ServerError(
      'ERR_MILLRACE_START_FAILED',
      'Every process of the server runs the entry module again, so the program must be a file: node server.js',
    );
  }
  return { entry, args, execArgv: process.execArgv.filter((option) => !NOT_INHERITED.test(option)) };
}

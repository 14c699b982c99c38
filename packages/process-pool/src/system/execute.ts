import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { checkOptions, optionNames } from '@millrace/channel';
import { SystemCallError } from '@millrace/native';
import { syscalls } from '@millrace/native/syscalls';
import { ProcessPoolError } from '../errors.js';

export interface ExecuteOptions {
  /** The program's environment. Default: this process's. */
  readonly env?: Readonly<NodeJS.ProcessEnv>;
}

const OPTIONS = optionNames<ExecuteOptions>({ env: true });
const STANDARD_STREAMS = [0, 1, 2];

/**
 * Replaces this process by a program, under the same pid: its standard streams, its parent's claim on it (the signal
 * at the parent's death) and its priority stay. `file` without a slash is looked for in PATH. Nothing after the call
 * runs, no exit handlers either. Throws `ERR_MILLRACE_EXECUTE`; then everything is as before.
 */
export function execute(file: string, args: readonly string[] = [], options: ExecuteOptions = {}): never {
  checkOptions(options, OPTIONS, 'execute()');
  const { env = process.env } = options;
  const path = locate(file, env.PATH ?? '');
  const variables = Object.entries(env).flatMap(([name, value]) =>
    value === undefined ? [] : `${name}=${value}`,
  );
  const texts = [path, file, ...args, ...variables];
  const bad = texts.find((text) => text.includes('\0'));
  if (bad !== undefined) throw failed(file, new TypeError(`${JSON.stringify(bad)} has a NUL in it.`));
  const strings = Buffer.from(texts.map((text) => `${text}\0`).join(''));
  // Node keeps its standard streams from programs, and reads some of them without waiting, which programs do not expect.
  for (const fd of STANDARD_STREAMS) {
    syscalls.setCloseOnExec(fd, 0);
    syscalls.setNonBlocking(fd, 0);
  }
  const result = syscalls.execute(strings, strings.length, args.length + 1, variables.length);
  for (const fd of STANDARD_STREAMS) syscalls.setCloseOnExec(fd, 1);
  throw failed(file, new SystemCallError('execve', -result, path));
}

function locate(file: string, path: string): string {
  if (file.includes('/')) return file;
  const candidates = path.split(':').map((directory) => join(directory || '.', file));
  const found = candidates.find(isExecutable);
  if (found === undefined) throw failed(file, new Error(`There is no such program in PATH (${path}).`));
  return found;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    // Not there, or not for this user: the next place may have it.
    return false;
  }
}

function failed(file: string, cause: Error): ProcessPoolError {
  return new ProcessPoolError('ERR_MILLRACE_EXECUTE', `'${file}' cannot be executed: ${cause.message}`, {
    cause,
  });
}

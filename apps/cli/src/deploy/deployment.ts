import { basename, relative } from 'node:path';
import { isAdminName } from '@millrace/server/admin';
import { CommandError } from '../command-error.js';
import type { StartFlags } from '../config/flags.js';
import { nameOf, resolveEntry } from '../start.js';

/** What is printed for a service manager or a container has to know of a program and how it is started. */
export interface Deployment {
  /** What the server is found by, and what the service is called. */
  readonly name: string;
  /** Where the command was called: the program's directory. */
  readonly directory: string;
  /** Options of `millrace start`, then the entry module as it was named, then its arguments. */
  readonly words: readonly string[];
  /** The entry module, from the directory on. */
  readonly entry: string;
  /** Seconds within which the server has ended. */
  readonly stopSeconds: number;
  /** Descriptors that it may need. */
  readonly files: number;
}

/** Milliseconds that a process has for what it began, where `--max-wait` does not say. */
const MAX_WAIT_MS = 3_000;
/** User processes, workers and task workers end one after the other. */
const STEPS = 3;
const LEAST_STOP_SECONDS = 30;
const MARGIN_SECONDS = 10;
const CLIENTS = 10_000;
/** A client has one, and may have another in a worker; beside them there is what the server itself needs. */
const FILES_PER_CLIENT = 2;
const LEAST_FILES = 65_536;

/** `words`: as they would stand behind `millrace start`. Throws `ERR_MILLRACE_ENTRY`, and a {@link CommandError} for what start would refuse. */
export function deploymentOf(
  words: readonly string[],
  entry: string,
  flags: StartFlags,
  directory: string,
): Deployment {
  const file = resolveEntry(entry, directory);
  const { maxWait = MAX_WAIT_MS, maxConnections = CLIENTS } = flags;
  const name = flags.name ?? nameOf(file);
  if (!isAdminName(name))
    throw new CommandError(
      'usage',
      `${JSON.stringify(name)} is no name of a server: up to 64 of A-Z, a-z, 0-9, '.', '_' and '-', the first a letter or a digit.`,
    );
  const ends = Math.ceil((maxWait * STEPS) / 1_000) + MARGIN_SECONDS;
  return {
    name,
    directory,
    // The service is asked by its name, whatever else runs.
    words: flags.name === undefined ? ['--name', name, ...words] : words,
    entry: relative(directory, file) || basename(file),
    stopSeconds: Math.max(LEAST_STOP_SECONDS, ends),
    files: Math.max(LEAST_FILES, maxConnections * FILES_PER_CLIENT + 1_024),
  };
}

import { optionError } from '../options/option-error.js';
import type { ServerOptions } from '../options/options.js';
import { resolveOptions } from '../options/resolve-options.js';

/** What the program says itself, and what a server has none of that runs one. */
const NOT_OF_PROGRAMS = [
  'port',
  'path',
  'fd',
  'activation',
  'tls',
  'framing',
  'type',
  'tasks',
  'entry',
] as const;

/** Options of the server that runs a program. Where it listens, the program says. */
export type ProgramServerOptions = Omit<ServerOptions, (typeof NOT_OF_PROGRAMS)[number]>;

/**
 * The options of a server that runs a program, checked, with their defaults. Throws `ERR_MILLRACE_OPTION` and
 * `ERR_MILLRACE_UNKNOWN_OPTION`, as a server does.
 */
export function resolveProgramOptions(options: ProgramServerOptions): Readonly<Record<string, unknown>> {
  for (const name of NOT_OF_PROGRAMS)
    if (name in options)
      throw optionError(
        `The option '${name}' is none of a server that runs a program: what it is about, the program says itself.`,
      );
  const { port, ...resolved } = resolveOptions(options as ServerOptions, true);
  const hidden: readonly string[] = NOT_OF_PROGRAMS;
  return Object.fromEntries(Object.entries(resolved).filter(([name]) => !hidden.includes(name)));
}

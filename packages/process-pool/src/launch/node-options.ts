import { statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { isAbsolute, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { BIND, ENTER_DIRECTORY } from '../preloads.js';
import { takeSpawnInfo } from '../wire/spawn-info.js';
import type { LaunchSpec } from './spec.js';

/**
 * Options of Node that belong to one process: each has its own title, a debugger's port serves one, and who watches files
 * or runs tests does so once for all.
 */
const OF_ONE_PROCESS =
  /^--(title|inspect|inspect-(brk|port|wait|publish-uid)|debug-port|watch|watch-.+|test|test-.+)$/;

/**
 * A debugger that is opened later tells its address to standard error alone. By default it also tells it on its port to whoever asks, which
 * is every user of the machine; and who knows it can run code in the process.
 */
const UNLISTED = '--inspect-publish-uid=stderr';
const OWN: readonly string[] = [BIND, ENTER_DIRECTORY, UNLISTED];

/** What Node runs in place of an entry module. */
const NO_MODULE = /^(-e|-p|-pe|-i|--eval|--print|--interactive|--run|-)$/;

/** Where this program was started: what its options name by relative paths lies there, whatever `process.chdir` said since. */
const STARTED_IN = takeSpawnInfo()?.startedIn ?? currentDirectory();

/**
 * One option each, with the value that stands apart from it. Node ends its options at the first argument that is neither an
 * option nor a value, and takes no value that begins with a dash, so what begins with none is a value: that holds for every
 * option of every version, and needs no list of those that take one.
 */
function grouped(execArgv: readonly string[]): string[][] {
  const options: string[][] = [];
  for (const argument of execArgv) {
    if (argument.startsWith('-') || options.length === 0) options.push([argument]);
    else options.at(-1)?.push(argument);
  }
  return options;
}

/** An option's name as Node has it: `--inspect_brk=0` is `--inspect-brk`. */
function nameOf([option = '']: readonly string[]): string {
  return (option.split('=', 1)[0] as string).replaceAll('_', '-');
}

/** Options for a process of this program: what Node was told for this one, without what is for one process alone. */
export function inheritedOptions(): string[] {
  return withoutOwn(process.execArgv)
    .filter((option) => !OF_ONE_PROCESS.test(nameOf(option)))
    .flat();
}

/** Options for a process that takes this one's place, its title and its debugger with it. */
export function ownOptions(): string[] {
  return withoutOwn(process.execArgv).flat();
}

/** The entry module of this program; undefined where there is none: `node --eval`, standard input. */
export function entryModule(): string | undefined {
  const [, entry] = process.argv;
  const hasNone = grouped(process.execArgv).some((option) => NO_MODULE.test(nameOf(option)));
  return hasNone || entry === undefined || NO_MODULE.test(entry) ? undefined : entry;
}

/** Modules that Node loads first, in every thread anew. */
const PRELOADED = /^(-r|--require|--import|--loader|--experimental-loader)$/;
const CONDITIONS = /^(-C|--conditions)$/;

/**
 * For a `Worker` that loads modules of the user: what this process was told about loading them. A thread reads its options
 * where the process is by now, so names that are from where the program was started are made absolute. (What else Node was
 * told holds for the whole process.)
 */
export function threadOptions(): string[] {
  return withoutOwn(process.execArgv).flatMap((option) => {
    const name = nameOf(option);
    const value = option[1] ?? (option[0] as string).slice(name.length + 1);
    if (CONDITIONS.test(name)) return [name, value];
    return PRELOADED.test(name) ? [name, absoluteModule(name, value)] : [];
  });
}

function absoluteModule(option: string, module: string): string {
  if (isAbsolute(module) || /^(file|data|node):/.test(module)) return module;
  try {
    const path = createRequire(join(STARTED_IN, 'from-here')).resolve(module);
    return option === '-r' || option === '--require' || !isAbsolute(path) ? path : pathToFileURL(path).href;
  } catch {
    // For Node to find, or to complain about.
    return module;
  }
}

/** How Node is started: its arguments up to the entry module, and the directory. */
export interface NodeStart {
  readonly options: string[];
  readonly directory: string;
  /** Where the process is to be before its entry module runs. */
  readonly workingDirectory: string | undefined;
}

/**
 * `execArgv` undefined: as this process was started. Relative paths in those options, in NODE_OPTIONS, and in files that
 * Node looks for beside them, are from where the program was started; so Node starts there, and changes to `cwd` when it has
 * read them. That needs no list of the options that are paths. `preload`: as in a {@link LaunchSpec}.
 */
export function nodeStart(
  execArgv: readonly string[] | undefined,
  cwd: string | undefined,
  preload: NonNullable<LaunchSpec['preload']> = [BIND],
): NodeStart {
  const given = execArgv === undefined ? inheritedOptions() : withoutOwn(execArgv).flat();
  const wanted = cwd ?? currentDirectory();
  const isRelative = execArgv === undefined && (given.length > 0 || process.env.NODE_OPTIONS !== undefined);
  const own = wantsDebugger(given) ? preload : [...preload, UNLISTED];
  if (!isRelative || cwd !== undefined || wanted === STARTED_IN || !isDirectory(STARTED_IN))
    return { options: [...own, ...given], directory: wanted, workingDirectory: undefined };
  return { options: [...own, ...given, ENTER_DIRECTORY], directory: STARTED_IN, workingDirectory: wanted };
}

/** Whether the processes are to be debugged anyway: then their debuggers are found as those of other programs are. */
function wantsDebugger(options: readonly string[]): boolean {
  return [...options, process.env.NODE_OPTIONS ?? ''].some((option) => /--inspect/.test(option));
}

/** Where another process of the program is started so that its options mean the same. */
export function startDirectory(): string {
  return isDirectory(STARTED_IN) ? STARTED_IN : '/';
}

function withoutOwn(execArgv: readonly string[]): string[][] {
  return grouped(execArgv).filter((option) => !OWN.includes(option[0] as string));
}

/** The path of a module that is named by its path or its URL. */
export function pathOf(entry: string | URL): string {
  return entry instanceof URL || entry.startsWith('file:') ? fileURLToPath(entry) : entry;
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** The directory of a process may have been removed. */
function currentDirectory(): string {
  try {
    return process.cwd();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return '/';
  }
}

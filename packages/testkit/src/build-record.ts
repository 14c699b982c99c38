import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';

/**
 * What a build was made of and what it made: the hash of each source and of each file that tests may run. It is written
 * at the end of a build, lies among its outputs, and so comes back with them from turbo's cache. Hashes and not times:
 * a checkout makes an old source look new, and the cache makes an old output look so.
 */
export interface BuildRecord {
  /** `src` and `dist`, which other packages' tests run, too. */
  readonly program: Part;
  /** The programs in `test` that tests start, and `dist-test`. */
  readonly tests: Part;
  /** By name: what was built of the packages that its bundle has in it, which are not read again from where they lie. */
  readonly bundled: Hashes;
}

interface Part {
  readonly sources: Hashes;
  readonly outputs: Hashes;
}

/** By the path, relative to the package. */
type Hashes = Readonly<Record<string, string>>;

interface Manifest {
  readonly name?: string;
  readonly scripts?: { readonly build?: string };
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

/** `dist-test` is in no package that is published. */
const RECORD_FILE = 'dist-test/.build-record.json';

const PROGRAM_SOURCES = [
  'src',
  'addon',
  'scripts',
  'static',
  'binding.gyp',
  'rolldown.config.ts',
  'rolldown.bundle.ts',
  'tsconfig.json',
  '../../rolldown.base.ts',
  '../../tsconfig.base.json',
];

const MADE_BY_TSC = /^(.*?)(?:\.d\.ts|\.js)(?:\.map)?$/;
/** Names the packages that are in the bundle beside it. */
const BUNDLE_FACTS = 'dist/bundle.json';
/** What is tsc's beside a bundle. */
const BUNDLED = /^(.*?)\.d\.ts(?:\.map)?$/;

/** The sources of a package as they are now. */
export function sourcesOf(directory: string): { readonly program: Hashes; readonly tests: Hashes } {
  return {
    program: hashes(directory, PROGRAM_SOURCES),
    // vitest runs the tests themselves from their sources.
    tests: hashes(directory, ['test'], (path) => !path.endsWith('.test.ts')),
  };
}

/** To be written once the outputs have been made of these sources. */
export function writeRecord(directory: string, sources: ReturnType<typeof sourcesOf>): void {
  // What node-gyp keeps in obj.target is none of turbo's outputs, so a build that comes from its cache has none of it.
  const isProgram = (path: string) =>
    /\.(c?js|node)$/.test(path) && !path.endsWith('.test.js') && !path.includes('/obj.target/');
  const record: BuildRecord = {
    program: { sources: sources.program, outputs: hashes(directory, ['dist', 'build/Release'], isProgram) },
    tests: { sources: sources.tests, outputs: hashes(directory, ['dist-test'], isProgram) },
    bundled: bundledIn(directory),
  };
  // A package whose tests are all in other ones has nothing there.
  mkdirSync(join(directory, dirname(RECORD_FILE)), { recursive: true });
  writeFileSync(join(directory, RECORD_FILE), JSON.stringify(record));
}

/** While a build runs, and after one that has failed, there is no record. */
export function removeRecord(directory: string): void {
  rmSync(join(directory, RECORD_FILE), { force: true });
}

/**
 * Removes what `tsc` made of sources that are no longer there: a test could start it, and pass. Where `dist` is a bundle,
 * rolldown.base.ts does so for its JavaScript.
 */
export function removeOrphans(directory: string): void {
  const isBundle = existsSync(join(directory, 'rolldown.config.ts'));
  removeWithoutSource(directory, 'dist', 'src', isBundle ? BUNDLED : MADE_BY_TSC);
  removeWithoutSource(directory, 'dist-test', 'test', MADE_BY_TSC);
  removeWithoutSource(directory, 'dist-scripts', 'scripts', BUNDLED);
}

function removeWithoutSource(directory: string, output: string, source: string, made: RegExp): void {
  for (const path of filesIn(join(directory, output))) {
    const stem = made.exec(path)?.[1];
    if (
      stem !== undefined &&
      !['.ts', '.tsx'].some((kind) => existsSync(join(directory, source, stem + kind)))
    )
      rmSync(join(directory, output, path));
  }
}

/**
 * Says why what a package's tests would run is not what its sources, and those of the workspace packages it depends on,
 * say now; undefined if it is.
 */
export function whyStale(directory: string): string | undefined {
  const manifest = manifestOf(directory);
  // Nothing is built of it.
  if (manifest.scripts?.build === undefined) return undefined;
  for (const at of [directory, ...workspaceDependencies(directory)]) {
    const name = manifestOf(at).name ?? at;
    const file = join(at, RECORD_FILE);
    if (!existsSync(file)) return `${name} is not built, or its last build has failed`;
    const record = recordOf(at);
    const sources = sourcesOf(at);
    const changed =
      difference(record.program.sources, sources.program) ??
      (at === directory ? difference(record.tests.sources, sources.tests) : undefined);
    if (changed !== undefined) return `${name}: ${changed} since its build`;
    const outputs = { ...record.program.outputs, ...(at === directory ? record.tests.outputs : {}) };
    const other = difference(outputs, hashes(at, Object.keys(outputs)));
    if (other !== undefined) return `${name}: ${other}, and not by its build`;
    const part = difference(record.bundled, bundledIn(at));
    if (part !== undefined) return `${name}: ${part} since it was put into its bundle`;
  }
  return undefined;
}

/** What is built of each package that is in the bundle of this one, by its record. (No addon is in a bundle, and compilers are not exact.) */
function bundledIn(directory: string): Hashes {
  const file = join(directory, BUNDLE_FACTS);
  if (!existsSync(file)) return {};
  const { packages } = JSON.parse(readFileSync(file, 'utf8')) as {
    packages: Readonly<Record<string, string>>;
  };
  const all: Record<string, string> = {};
  for (const at of workspaceDependencies(directory)) {
    const name = manifestOf(at).name as string;
    if (!(name in packages) || at === directory || !existsSync(join(at, RECORD_FILE))) continue;
    const built = Object.entries(recordOf(at).program.outputs).filter(([path]) => path.startsWith('dist/'));
    all[name] = hashOf(JSON.stringify(built));
  }
  return all;
}

function recordOf(directory: string): BuildRecord {
  return JSON.parse(readFileSync(join(directory, RECORD_FILE), 'utf8')) as BuildRecord;
}

function hashOf(content: Uint8Array | string): string {
  return createHash('sha1').update(content).digest('base64');
}

/** The directories of all workspace packages that it depends on, by however many steps. */
function workspaceDependencies(directory: string, found = new Set<string>()): Set<string> {
  const { dependencies, devDependencies } = manifestOf(directory);
  for (const name of Object.keys({ ...dependencies, ...devDependencies })) {
    const at = installed(directory, name);
    // npm links packages of the workspace; others lie in node_modules.
    if (at === undefined || at.includes('/node_modules/') || found.has(at)) continue;
    found.add(at);
    workspaceDependencies(at, found);
  }
  return found;
}

function installed(directory: string, name: string): string | undefined {
  for (let at = directory; at !== dirname(at); at = dirname(at)) {
    const candidate = join(at, 'node_modules', name);
    if (existsSync(candidate)) return realpathSync(candidate);
  }
  return undefined;
}

function manifestOf(directory: string): Manifest {
  return JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as Manifest;
}

function difference(before: Hashes, now: Hashes): string | undefined {
  for (const [path, hash] of Object.entries(now)) {
    if (before[path] === undefined) return `${path} is new`;
    if (before[path] !== hash) return `${path} has changed`;
  }
  for (const path of Object.keys(before)) if (now[path] === undefined) return `${path} is gone`;
  return undefined;
}

/** Of the files and of all that is in the directories; what is not there has none. */
function hashes(
  directory: string,
  names: readonly string[],
  counts: (path: string) => boolean = () => true,
): Hashes {
  const all: Record<string, string> = {};
  for (const name of names) {
    const at = join(directory, name);
    for (const path of filesIn(at).map((file) => join(at, file))) {
      const named = relative(directory, path);
      if (counts(named)) all[named] = hashOf(readFileSync(path));
    }
  }
  return all;
}

/** Relative to the directory; of a file, the empty path. */
function filesIn(path: string): string[] {
  if (!existsSync(path)) return [];
  let entries: ReturnType<typeof list>;
  try {
    entries = list(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return [''];
    throw error;
  }
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(path, join(entry.parentPath, entry.name)))
    .sort();
}

function list(path: string) {
  return readdirSync(path, { recursive: true, withFileTypes: true });
}

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BUNDLE_LOADER } from '../constants.js';
import { type BundleFacts, bundledModules, CONDITION_OPTION } from './bundle-facts.js';

/** Set to 0: processes of a server load the modules of each package, as the program that starts it does. */
const SWITCH = 'MILLRACE_BUNDLE';
const SOURCE_MAPS = /--enable[-_]source[-_]maps/;

let found: readonly string[] | undefined;
let looked = false;

/**
 * Options of Node by which a process of the server has all packages from one script, with V8's cache of it: it loads in half of the
 * time. Undefined where that would not be what the program has here: another version of a package is installed than was built
 * in, or stacks are to lead to sources, for which Node takes modules alone.
 */
export function bundledStart(): readonly string[] | undefined {
  if (!looked) {
    found = isWanted() && (bundledModules() !== undefined || isWhatIsInstalled()) ? options() : undefined;
    looked = true;
  }
  return found;
}

function options(): string[] {
  return [`--require=${fileURLToPath(BUNDLE_LOADER)}`, CONDITION_OPTION];
}

function isWanted(): boolean {
  const { [SWITCH]: set, NODE_OPTIONS = '' } = process.env;
  return set !== '0' && ![...process.execArgv, NODE_OPTIONS].some((text) => SOURCE_MAPS.test(text));
}

function isWhatIsInstalled(): boolean {
  const loader = fileURLToPath(BUNDLE_LOADER);
  const require = createRequire(loader);
  try {
    const { packages } = readJson<BundleFacts>(join(dirname(loader), 'bundle.json'));
    return Object.entries(packages).every(([name, version]) => {
      const manifest = join(dirname(require.resolve(name)), '..', 'package.json');
      return readJson<{ version: string }>(manifest).version === version;
    });
  } catch (error) {
    // A program that is itself one file, or what its bundler has left of the packages.
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    return false;
  }
}

function readJson<T>(file: string): T {
  return JSON.parse(readFileSync(file, 'utf8')) as T;
}

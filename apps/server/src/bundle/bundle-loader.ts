/**
 * What Node loads first in a process that a server starts (`--require`): the modules of all packages as one script, which V8 takes
 * from a cache where it can (docs/decisions/0125). A module that asks for a package by the condition `millrace-bundled` gets it from here,
 * so each exists once. CommonJS in `dist`, for that is what Node loads with the least of its own.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Script } from 'node:vm';
import { isMainThread } from 'node:worker_threads';
import { type BundledModules, type BundleFacts, CONDITION_OPTION, MODULES } from './bundle-facts.js';
import { readCodeCache, writeCodeCache } from './code-cache.js';

type Exports = Readonly<Record<string, unknown>>;
type Modules = Readonly<Record<string, () => Exports>>;
type Evaluate = (
  module: { exports: Modules },
  require: NodeJS.Require,
  placeOf: (name: string) => string,
  load: (specifier: string) => Promise<unknown>,
) => void;

const BUNDLE = join(__dirname, 'bundle.cjs');

let modules: Modules | undefined;
let facts: BundleFacts | undefined;

function load({ hash }: BundleFacts): Modules {
  const source = readFileSync(BUNDLE);
  const cached = { path: BUNDLE, hash };
  const cachedData = readCodeCache(cached, source);
  const script = new Script(source.toString('latin1'), { filename: BUNDLE, cachedData });
  const require = createRequire(BUNDLE);
  const module = { exports: {} };
  const evaluate = script.runInThisContext() as Evaluate;
  evaluate(
    module,
    require,
    (name) => placeOf(require, name),
    (specifier) => import(specifier),
  );
  // Not in a thread: the master's waits for its reactors, while the manager, which comes after them, makes the cache.
  if (isMainThread && (cachedData === undefined || script.cachedDataRejected)) {
    writeCodeCache(cached, source, () => {
      // What has not run is not in it. The server's own entries are left out, for they take the role of the process.
      for (const [name, load] of Object.entries(module.exports as Modules))
        if (!name.startsWith('@millrace/server')) load();
      return script.createCachedData();
    });
  }
  return module.exports;
}

/** The place of a package's modules, as a URL of one of them: what lies beside it is found from there. */
function placeOf(require: NodeJS.Require, name: string): string {
  const file = name === '@millrace/server' ? BUNDLE : require.resolve(name);
  return pathToFileURL(join(dirname(file), 'bundle.js')).href;
}

function versionIn({ packages }: BundleFacts, specifier: string): string | undefined {
  const [scope, name] = specifier.split('/');
  return packages[`${scope}/${name}`];
}

const find: BundledModules = (specifier, version) => {
  facts ??= JSON.parse(readFileSync(join(__dirname, 'bundle.json'), 'utf8')) as BundleFacts;
  if (version !== undefined && version !== versionIn(facts, specifier)) return undefined;
  modules ??= load(facts);
  const module = modules[specifier];
  if (module === undefined) throw new Error(`There is no module '${specifier}' in ${BUNDLE}.`);
  return module();
};
Object.defineProperty(globalThis, MODULES, { value: find });

// What the program starts is not to be started with them.
process.execArgv = process.execArgv.filter(
  (option) => option !== `--require=${__filename}` && option !== CONDITION_OPTION,
);
if (isMainThread) {
  const { hasParent } = find('@millrace/process-pool/internal') as { hasParent(): boolean };
  // From here on the process dies with its parent.
  hasParent();
}

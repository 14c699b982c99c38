import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Plugin, RolldownOptions } from 'rolldown';
import { BUNDLED } from '../../rolldown.base.js';

/** The packages whose modules are in the bundle: those of ours that the server imports, and itself. */
const PACKAGES = [
  'channel',
  'http',
  'metrics',
  'msg-queue',
  'native',
  'pipe-ipc',
  'process-pool',
  'reactor',
  'shared-memory',
  'task-pool',
  'timer-heap',
];

/** What a process of a server loads once it has its role. */
const ROLES = [
  'manager/manager',
  'worker/worker',
  'worker/served-sessions',
  'base/own-reactor',
  'tasks/task-worker',
  'worker/user-process',
];

/** What a reactor thread runs. */
const REACTOR = 'reactor/run-reactor';

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly exports: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

const manifestOf = (directory: string) =>
  JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as Manifest;
const directories = new Map(PACKAGES.map((name) => [`@millrace/${name}`, `../../packages/${name}`]));

/** What each name that a program may import leads to here. */
function entries(): [specifier: string, file: string][] {
  const own = manifestOf('.');
  const all = [[own, '.'] as const, ...[...directories.values()].map((at) => [manifestOf(at), at] as const)];
  return all.flatMap(([{ name, exports }, at]) =>
    Object.entries(exports)
      .filter(([, conditions]) => conditions[BUNDLED] !== undefined)
      .map(([path, { types = '', default: file = '' }]): [string, string] => [
        name + path.slice(1),
        // Of the server itself the sources: each chunk of its `dist` would be one with all others anyway.
        at === '.'
          ? types.replace('./dist/', './src/').replace('.d.ts', '.ts')
          : join(at, file).replaceAll('\\', '/'),
      ]),
  );
}

const ENTRY = '\0bundle-entry.cjs';

const entry: Plugin = {
  name: 'bundle-entry',
  resolveId: (id) => (id === 'bundle-entry' ? ENTRY : undefined),
  load(id) {
    if (id !== ENTRY) return undefined;
    const modules = entries().map(([specifier, file]) => {
      const path = JSON.stringify(createRequire(join(process.cwd(), 'package.json')).resolve(`./${file}`));
      return `  ${JSON.stringify(specifier)}: () => require(${path}),`;
    });
    const source = (name: string) => JSON.stringify(join(process.cwd(), `src/${name}.ts`));
    const roles = ROLES.map((role) => `require(${source(role)})`);
    return `module.exports = {\n${modules.join('\n')}\n  roles: () => { ${roles.join('; ')}; },\n  reactor: () => require(${source(REACTOR)}),\n};\n`;
  },
};

/** `import.meta.url` leads to files beside a module: each package has those that it had. */
const ownPlaces: Plugin = {
  name: 'own-places',
  transform(code, id) {
    if (!code.includes('import.meta.url')) return undefined;
    const [name] = [...directories].find(([, at]) => id.startsWith(join(process.cwd(), at, '/'))) ?? [
      '@millrace/server',
    ];
    return code.replaceAll('import.meta.url', `__placeOf(${JSON.stringify(name)})`);
  },
};

/** What the loader has to know of the bundle without reading it. */
const facts: Plugin = {
  name: 'facts',
  generateBundle(_options, bundle) {
    const chunk = bundle['bundle.cjs'];
    if (chunk?.type !== 'chunk') throw new Error('There is no bundle.');
    // What is still imported by a name that the program gives: V8 forgets, in what it takes from a cache, how that is done.
    chunk.code = chunk.code.replace(/\bimport\(/g, '__import(');
    // Text of one byte a character: read and held as it is, which text with others is not.
    chunk.code = chunk.code.replace(
      /[\u0080-\uffff]/g,
      (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );
    // As it is compiled: to put it together in each process would copy it once more.
    chunk.code = `(function (module, require, __placeOf, __import) {${chunk.code}\n})`;
    const manifests = ['.', ...directories.values()].map(manifestOf);
    const packages = Object.fromEntries(manifests.map(({ name, version }) => [name, version]));
    const hash = createHash('sha256').update(chunk.code).digest('hex').slice(0, 32);
    this.emitFile({
      type: 'asset',
      fileName: 'bundle.json',
      source: `${JSON.stringify({ hash, packages })}\n`,
    });
  },
};

const script = { dir: 'dist', format: 'cjs', codeSplitting: false } as const;

/** All modules of a process that a server starts in one script, for which V8 takes a cache (docs/decisions/0125). */
export const bundles: RolldownOptions[] = [
  {
    input: { bundle: 'bundle-entry' },
    platform: 'node',
    transform: { target: 'es2022' },
    external: [/^node:/, /^pino/],
    optimization: { inlineConst: true },
    plugins: [entry, ownPlaces, facts],
    output: { ...script, entryFileNames: '[name].cjs', comments: false },
  },
  {
    input: { 'bundle-loader': 'src/bundle/bundle-loader.ts' },
    platform: 'node',
    transform: { target: 'es2022' },
    external: [/^node:/],
    output: { ...script, entryFileNames: '[name].cjs' },
  },
];

import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Plugin, RolldownOptions } from 'rolldown';

/**
 * How a package's sources become its `dist`: a file for each entry, and one for what entries share. Each process of
 * ours starts in the time that Node takes to find, read and link its modules, and there would be hundreds of them
 * (docs/decisions/0034). The types beside them are tsc's. Other packages stay imports, so that each is loaded once,
 * whatever imports it, except those of `inlined`, which have many files and which are not seen from outside.
 */
export function library(
  entries: readonly string[],
  inlined: readonly string[] = [],
  {
    apart,
    first,
  }: {
    /** A module that does something when it is loaded: not in the file that all entries share. */ apart?: RegExp;
    /** A module that an entry needs before anything else: in a file of its own, so that it brings nothing along. */ first?: RegExp;
  } = {},
): RolldownOptions {
  return bundle(entries, inlined, 'src', 'dist', apart, first);
}

/** Programs of a package that are no part of its library, from the folder `sources` to the folder `output`. */
export function programs(entries: readonly string[], sources: string, output: string): RolldownOptions {
  return bundle(entries, [], sources, output);
}

function bundle(
  entries: readonly string[],
  inlined: readonly string[],
  sources: string,
  dir: string,
  apart?: RegExp,
  first?: RegExp,
): RolldownOptions {
  const relative = /^[./\0]/;
  const helpers = '@oxc-project/runtime';
  const inside = [helpers, ...inlined];
  return {
    input: Object.fromEntries(entries.map((name) => [name.split('/').at(-1), `${sources}/${name}.ts`])),
    platform: 'node',
    transform: { target: 'es2022' },
    external: (id) => !relative.test(id) && !inside.some((name) => id === name || id.startsWith(`${name}/`)),
    plugins: [withoutEarlierFiles, boundEntries],
    output: {
      dir,
      chunkFileNames: 'shared-[name].js',
      sourcemap: true,
      // What three entries or more share is one file: a small one each would take longer than what is not needed of it.
      codeSplitting: {
        groups: [
          ...(first ? [{ name: 'first', test: first, priority: 1 }] : []),
          { name: 'parts', minShareCount: 3, ...(apart && { test: (id: string) => !apart.test(id) }) },
        ],
      },
    },
  };
}

/** An entry that is no more would still start, as it was. */
const withoutEarlierFiles: Plugin = {
  name: 'without-earlier-files',
  writeBundle({ dir = 'dist' }, bundle) {
    for (const file of readdirSync(dir))
      if (/\.js(\.map)?$/.test(file) && bundle[file] === undefined) rmSync(join(dir, file));
  },
};

/** The condition by which a process that a server starts finds the packages in the one file that it has been started with. */
export const BUNDLED = 'millrace-bundled';

/**
 * Beside each entry that says so in the `exports` of its package: what is to be had of it in a process with the bundle of a server. The
 * package's own module where that bundle has another version of it, or none was loaded: a program may give Node the condition.
 */
const boundEntries: Plugin = {
  name: 'bound-entries',
  generateBundle(_options, bundle) {
    const {
      name,
      version,
      exports = {},
    } = JSON.parse(readFileSync('package.json', 'utf8')) as PackageManifest;
    for (const [path, { [BUNDLED]: bound, default: plain }] of Object.entries(exports)) {
      const chunk = plain === undefined ? undefined : bundle[plain.replace('./dist/', '')];
      if (bound === undefined || chunk?.type !== 'chunk') continue;
      const [specifier, own] = [name + path.slice(1), plain?.replace('/dist', '')].map((each) =>
        JSON.stringify(each),
      );
      this.emitFile({
        type: 'asset',
        fileName: bound.replace('./dist/', ''),
        source: [
          `import { createRequire } from 'node:module';`,
          `const bundled = globalThis[Symbol.for('millrace.bundle')]?.(${specifier}, ${JSON.stringify(version)});`,
          `export const { ${chunk.exports.join(', ')} } = bundled ?? createRequire(import.meta.url)(${own});\n`,
        ].join('\n'),
      });
    }
  },
};

interface PackageManifest {
  readonly name: string;
  readonly version: string;
  readonly exports?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

import { readFileSync } from 'node:fs';
import Module from 'node:module';
import { dirname, extname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { inheritedOptions } from '@millrace/process-pool/internal';
import { tellPlace } from './syntax-place.js';

/** What Node calls for an entry module that is CommonJS; not documented, and what every tool calls that runs programs in its own process. */
interface CommonJsLoader {
  _load(file: string, parent: null, isMain: true): unknown;
  readonly _extensions: Readonly<Record<string, unknown>>;
}

const { _load: load, _extensions: extensions } = Module as unknown as CommonJsLoader;

/** Codes of what CommonJS cannot load: an ES module, or one that awaits at its top. */
const NEEDS_IMPORT = new Set(['ERR_REQUIRE_ESM', 'ERR_REQUIRE_ASYNC_MODULE', 'ERR_REQUIRE_CYCLE_MODULE']);

/**
 * Runs `file` as `node file …args` would: of CommonJS it is `require.main`. Resolves when it has been evaluated, an ES module with
 * what it awaits at its top. What it throws comes out.
 */
export async function runMain(file: string, args: readonly string[]): Promise<void> {
  process.argv = [process.execPath, file, ...args];
  // Without the options that this process was started with by its parent: what the program starts must not have them.
  process.execArgv = inheritedOptions();
  if (isCommonJs(file)) {
    try {
      load.call(Module, file, null, true);
      return;
    } catch (error) {
      if (!NEEDS_IMPORT.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
  }
  try {
    await import(pathToFileURL(file).href);
  } catch (error) {
    tellPlace(error, file);
    throw error;
  }
}

/** Whether Node takes it for CommonJS before it has looked into it. */
function isCommonJs(file: string): boolean {
  const extension = extname(file);
  if (/^\.[cm][jt]s$/.test(extension)) return extension.startsWith('.c');
  // TypeScript, where something loads it: Node itself, or what the program was started with.
  if (extension !== '.js' && extension !== '' && !(extension in extensions)) return false;
  return packageType(dirname(file)) !== 'module';
}

/** `type` of the package that a directory belongs to. */
function packageType(directory: string): unknown {
  for (let at = directory; ; at = dirname(at)) {
    try {
      return (JSON.parse(readFileSync(join(at, 'package.json'), 'utf8')) as { type?: unknown } | null)?.type;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    if (at === dirname(at)) return undefined;
  }
}

import { readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ConfigError } from './config-error.js';

/** What a configuration file says, unchecked. Throws `ERR_MILLRACE_CONFIG`. */
export async function readConfig(file: string): Promise<unknown> {
  try {
    const loaded = await load(file);
    return typeof loaded === 'function' ? await (loaded as () => unknown)() : loaded;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new ConfigError(file, 'it is not there.');
    throw new ConfigError(file, `it cannot be read: ${message}`, error);
  }
}

async function load(file: string): Promise<unknown> {
  const extension = extname(file);
  if (extension === '.json') return JSON.parse(readFileSync(file, 'utf8'));
  if (extension.endsWith('ts')) {
    // Not every Node that this runs on takes TypeScript.
    const { createJiti } = await import('jiti');
    const jiti = createJiti(import.meta.url, { moduleCache: false, fsCache: false, interopDefault: true });
    return jiti.import(file, { default: true });
  }
  const module = (await import(pathToFileURL(file).href)) as { readonly default?: unknown };
  return module.default ?? module;
}

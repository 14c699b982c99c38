import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isPeer, peerEntry } from './peers.js';

/** Versions of Node and of the named packages, as they are installed. */
export function versionsOf(packages: readonly string[]): Record<string, string> {
  const versions: Record<string, string> = { node: process.versions.node, v8: process.versions.v8 };
  for (const name of packages) versions[name] = versionOf(name) ?? 'absent';
  return versions;
}

/** The manifest above a package's entry: not every package exports its own. */
function versionOf(name: string): string | undefined {
  const entry = isPeer(name) ? peerEntry(name) : fileURLToPath(import.meta.resolve(name));
  if (entry === undefined) return undefined;
  let directory = dirname(entry);
  for (;;) {
    try {
      const manifest = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as {
        name?: string;
        version?: string;
      };
      if (manifest.name === name) return manifest.version ?? 'unknown';
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    const parent = dirname(directory);
    if (parent === directory) return 'unknown';
    directory = parent;
  }
}

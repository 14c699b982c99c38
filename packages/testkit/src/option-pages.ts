import { join } from 'node:path';
import { type Option, readOptions, withTables } from './option-tables.js';

/** The interfaces of the server's options. */
const SOURCES = ['options', 'port-options', 'tls-options', 'admin-options'].map(
  (name) => `apps/server/src/options/${name}.ts`,
);

const INTERFACES = ['ServerOptions', 'PortOptions', 'TlsIdentity', 'TlsOptions', 'AdminOptions'];

const PAGES = ['docs/options.md', 'apps/server/README.md'];

/** What the comments of the interfaces say, by interface, in the repository at `top`. */
export function serverOptions(top: string): ReadonlyMap<string, readonly Option[]> {
  return readOptions(
    SOURCES.map((path) => join(top, path)),
    INTERFACES,
  );
}

/** The pages of the repository at `top` that show the server's options, by path, as they have to be. */
export function optionPages(top: string): ReadonlyMap<string, string> {
  const options = serverOptions(top);
  return new Map(PAGES.map((path) => [path, withTables(top, path, options)]));
}

/**
 * What processes of a pool import before their entry module, as options of Node: the compiled modules, also where this one runs
 * as TypeScript. Their paths are relative to this file, which must lie
 * directly below `src`, since the bundles lie directly below `dist`.
 */
export const BIND = `--import=${new URL('../dist/bind.js', import.meta.url).href}`;
export const ENTER_DIRECTORY = `--import=${new URL('../dist/enter-directory.js', import.meta.url).href}`;

/**
 * What processes of a pool import before their entry module, as options of Node: the compiled modules, also where this one runs
 * as TypeScript. They are found from here, and not from the folder of whoever needs them: `src` and the bundles in `dist` are
 * at one depth, and only files directly below `src` are.
 */
export const BIND = `--import=${new URL('../dist/bind.js', import.meta.url).href}`;
export const SETTLE = `--import=${new URL('../dist/settle.js', import.meta.url).href}`;

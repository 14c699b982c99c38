/**
 * The compiled program of a task worker, also where a pool runs from its TypeScript source. Its path is relative to this module:
 * `src` and the bundles in `dist` are at the same depth, so this module stays directly below `src`.
 */
export const WORKER_PROGRAM = new URL('../dist/worker-main.js', import.meta.url).pathname;

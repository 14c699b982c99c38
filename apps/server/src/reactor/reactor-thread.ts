/**
 * The module that a reactor thread runs. What it does is in the bundle, too: a thread that was started with that takes it from there, with
 * V8's cache of it.
 */
import { workerData } from 'node:worker_threads';
import { bundledModules } from '../bundle/bundle-facts.js';
import type { ReactorWork } from './run-reactor.js';

const { runReactor } =
  (bundledModules()?.('reactor') as typeof import('./run-reactor.js') | undefined) ??
  (await import('./run-reactor.js'));
await runReactor(workerData as ReactorWork);

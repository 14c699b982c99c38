/** Runs in Node's thread for hooks: tells of each ES module that is loaded, and what its file was before it was read. */
import type { LoadHook } from 'node:module';
import type { MessagePort } from 'node:worker_threads';
import { fileOf } from './file-of.js';
import { stateOf } from './file-state.js';

let port: MessagePort | undefined;

export function initialize(data: MessagePort): void {
  port = data;
}

export const load: LoadHook = (url, context, next) => {
  const file = fileOf(url);
  if (file !== undefined) port?.postMessage([file, stateOf(file)]);
  return next(url, context);
};

/** Runs in Node's thread for hooks: tells of each ES module that is loaded. */
import type { LoadHook } from 'node:module';
import type { MessagePort } from 'node:worker_threads';

let port: MessagePort | undefined;

export function initialize(data: MessagePort): void {
  port = data;
}

export const load: LoadHook = (url, context, next) => {
  port?.postMessage(url);
  return next(url, context);
};

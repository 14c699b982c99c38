import { type ChildProcess, fork as forkChild } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Credit } from './credit.js';
import type { Mechanism, Message, Side } from './side.js';

/** Messages whose bytes Node has not written yet; it has a callback for each, and no event for all. */
const UNDER_WAY = 512;

function sideOf(process: ChildProcess | NodeJS.Process): Side {
  const credit = new Credit(UNDER_WAY);
  const sent = () => credit.give(1);
  return {
    send(message) {
      process.send?.(message, undefined, {}, sent);
      return credit.take();
    },
    drained: () => credit.available(),
    onMessage: (listener) =>
      (process as ChildProcess).on('message', (message) => listener(message as Message)),
    close: () => process.disconnect?.(),
  };
}

/** `child_process.fork`, with one of its two serializations. */
export function fork(serialization: 'json' | 'advanced'): Mechanism {
  return {
    async start(peer, args) {
      return sideOf(forkChild(fileURLToPath(peer), args, { serialization }));
    },
    async open() {
      return sideOf(process);
    },
  };
}

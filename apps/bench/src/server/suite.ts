import type { Suite, SuiteOptions } from '../suites.js';
import { clients } from './clients.js';
import { connections } from './connections.js';
import { disturbances } from './disturbances.js';
import { echoes } from './echoes.js';
import { idling } from './idling.js';
import { single } from './single.js';
import { starts } from './starts.js';
import { tasks } from './tasks.js';
import { workers } from './workers.js';

const WINDOW_MS = 2_000;
const QUICK_WINDOW_MS = 1_000;

export const suite: Suite = {
  packages: ['@millrace/server', '@millrace/reactor', '@millrace/native'],
  groups: ({ quick }: SuiteOptions) => {
    const windowMs = quick ? QUICK_WINDOW_MS : WINDOW_MS;
    return [
      ...echoes(windowMs),
      idling(windowMs),
      ...tasks(windowMs),
      ...single(windowMs),
      ...connections(windowMs),
      ...workers(windowMs),
      ...disturbances(quick),
      starts(),
      clients(windowMs),
    ];
  },
  notes: [
    'Every server has one reactor and one worker where it has them, and each connection a number of messages in flight; ' +
      'every answer is compared. The client is a process on the same machine. Processor time is that of all processes ' +
      'of a server together, for one message.',
    'A worker of two is killed with SIGKILL while 50 connections have one message each under way; the time is ' +
      'what the slowest answer to these took, and to those sent in the 20 ms after. Lost is a message without an answer whose connection had answers to later ones.',
  ],
};

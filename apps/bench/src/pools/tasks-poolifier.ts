import { ThreadWorker } from 'poolifier';
import { echo, noop, primes } from './work.js';

/** poolifier hands over its whole message's data, whatever the task; its types want a record of such functions. */
const work = { noop, echo, primes: (limit?: unknown) => primes(limit as number) };

export const worker = new ThreadWorker(work);

import { defineTasks } from '@millrace/task-pool';
import { echo, noop, primes } from './work.js';

export const tasks = defineTasks({ noop, echo, primes });

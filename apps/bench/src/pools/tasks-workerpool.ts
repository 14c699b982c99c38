import { worker } from 'workerpool';
import { echo, noop, primes } from './work.js';

worker({ noop, echo, primes });

import { fileURLToPath } from 'node:url';
import { type Entry, http } from '../catalogue.js';
import { NEXT } from '../kinds/next.js';

const SITE = fileURLToPath(new URL('../../large/next/', import.meta.url));
const ON = ['-H', '127.0.0.1', '-p', '0'];
const NEXT_KINDS = [...NEXT, ...http('static', 'compressed', 'error', 'json')];

/** What is too large for every run of the tests: installed and built by `npm run test:apps`. */
export const LARGE: readonly Entry[] = [
  { name: 'Nest', file: '../large/nest/dist/main.js', kinds: http('error', 'json') },
  {
    name: 'Next.js by next start',
    file: '../large/next/node_modules/next/dist/bin/next',
    args: ['start', SITE, ...ON],
    kinds: NEXT_KINDS,
  },
  {
    name: 'Next.js, standalone',
    file: '../large/next/.next/standalone/apps/compat/large/next/server.js',
    needsPort: true,
    kinds: NEXT_KINDS,
  },
];

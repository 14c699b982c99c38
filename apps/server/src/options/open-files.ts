import { readFileSync } from 'node:fs';

/** Of few descriptors, what is kept back is no more than this part. */
const MOST_KEPT = 0.25;

/** Read when the module is loaded: below a new root directory there is no /proc. */
const LIMIT = readLimit();

/** How many descriptors this process may have open; infinity where there is no limit. */
export function openFilesLimit(): number {
  return LIMIT;
}

function readLimit(): number {
  const [, limit] = readFileSync('/proc/self/limits', 'utf8').match(/^Max open files +(\d+)/m) ?? [];
  return limit === undefined ? Number.POSITIVE_INFINITY : Number(limit);
}

/**
 * The descriptor from which on clients are turned away. The kernel gives out the lowest that is free, so one of a client that
 * is at or above it says that all below are in use; those above are for what the server itself needs: to start a
 * manager, to open its log anew. `reserved`: how many that are to be.
 */
export function lastForClients(reserved: number, limit: number = openFilesLimit()): number {
  return limit - Math.min(reserved, Math.floor(limit * MOST_KEPT));
}

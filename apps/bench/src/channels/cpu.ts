import { readFileSync } from 'node:fs';

/** Microseconds of processor time of this process; or of this thread alone, where the other side is a thread of it too. */
export function cpuTime(threads: boolean): number {
  if (threads) return Number(readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ')[0]) / 1_000;
  const { user, system } = process.cpuUsage();
  return user + system;
}

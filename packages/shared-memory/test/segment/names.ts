import { existsSync, readFileSync } from 'node:fs';
import type { SegmentName } from '../../src/index.js';

const posixNames: string[] = [];
const keys: number[] = [];

/** Names that no other test and no other process uses: one of each kind. */
export function freshNames(): { readonly posix: string; readonly systemV: { readonly key: number } } {
  const posix = `/millrace-test-${process.pid}-${posixNames.length}`;
  const key = 0x4d00_0000 + ((process.pid * 64 + keys.length) % 2 ** 24);
  posixNames.push(posix);
  keys.push(key);
  return { posix, systemV: { key } };
}

/** Those of the names given so far that are still there. */
export function leftNames(): string[] {
  const systemV = readFileSync('/proc/sysvipc/shm', 'utf8')
    .split('\n')
    .map((line) => Number(line.trim().split(/\s+/)[0]));
  return [
    ...posixNames.filter((name) => existsSync(`/dev/shm${name}`)),
    ...keys.filter((key) => systemV.includes(key)).map((key) => `key ${key}`),
  ];
}

/** For the command line of a fixture. */
export function asArgument(name: SegmentName): string {
  return JSON.stringify(name);
}

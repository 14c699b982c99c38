import type { Group } from '../harness.js';
import { millrace, swoole } from './programs.js';
import { MANY, SMALL, versus } from './versus.js';

const COUNTS = [2, 4, 8];

/** The same echo by more workers; one is among the echoes. */
export function workers(windowMs: number): Group[] {
  return COUNTS.map((count) =>
    versus(
      `echo 64 B, 50 connections, ${count} workers`,
      windowMs,
      { connections: MANY, bytes: SMALL },
      millrace({ reactors: 1, workers: count }),
      [[swoole({ mode: 'process', reactors: 1, workers: count }), {}]],
      ['rate', 'p99'],
    ),
  );
}

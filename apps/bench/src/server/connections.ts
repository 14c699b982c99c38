import { readFileSync } from 'node:fs';
import type { Group } from '../harness.js';
import { millrace, nodeNet, swoole } from './programs.js';
import { MANY, SMALL, versus } from './versus.js';

const IDLE = 10_000;
const COUNTS = [1, 10, 100, 1_000, 10_000];
/** Descriptors that a process needs beside its connections. */
const SPARE_DESCRIPTORS = 200;

/** What connections cost: to open and close, to keep, and to have many of. */
export function connections(windowMs: number): Group[] {
  const one = { reactors: 1, workers: 1 };
  const ours = millrace(one);
  const theirs = swoole({ mode: 'process', ...one });
  const most = maxConnections();
  return [
    versus(
      'connect, one request, close, 20 at a time',
      windowMs,
      { kind: 'connections', connections: 20, bytes: SMALL },
      ours,
      [
        [theirs, { rate: 1 }],
        [nodeNet, { rate: 1.5 }],
      ],
      ['rate', 'cpu'],
    ),
    versus(
      `master's memory of an idle connection, ${Math.min(IDLE, most).toLocaleString('en-US')} of them`,
      windowMs,
      { connections: MANY, bytes: SMALL, idle: Math.min(IDLE, most) },
      ours,
      [
        [theirs, { idleBytes: 1 }],
        [nodeNet, {}],
      ],
      ['idleBytes'],
    ),
    ...COUNTS.filter((count) => count <= most).map((count) =>
      versus(
        `echo 64 B, ${count.toLocaleString('en-US')} connection${count === 1 ? '' : 's'}`,
        windowMs,
        { connections: count, bytes: SMALL },
        ours,
        [
          [theirs, {}],
          [nodeNet, {}],
        ],
        ['rate', 'p99'],
        { point: { curve: 'connections', at: count } },
      ),
    ),
  ];
}

/** How many connections a process may have here. */
function maxConnections(): number {
  const limit = /Max open files\s+\d+\s+(\d+)/.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  return Number(limit ?? Number.POSITIVE_INFINITY) - SPARE_DESCRIPTORS;
}

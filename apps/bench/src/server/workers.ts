import type { Group } from '../harness.js';
import { millrace, nodeCluster, swoole } from './programs.js';
import { MANY, SMALL, type Team, versusAll } from './versus.js';

const COUNTS = [1, 2, 4, 8];
/** What base mode must reach against a cluster of as many. */
const CLUSTER_BAR = 1.7;

/** What base mode must reach against Swoole's where the workers of both have as many clients each. */
const EVEN_BAR = 0.95;
/** Connections that each of 2 and 4 workers can have as many of. */
const EVEN = 48;
const EVEN_COUNTS = [2, 4];

/** The same echo by more and more workers. */
export function workers(windowMs: number): Group[] {
  return [
    ...COUNTS.map((count) => asItComes(count, windowMs)),
    ...EVEN_COUNTS.map((count) => even(count, windowMs)),
  ];
}

/** Who has the clients is chance, or up to who accepts. */
function asItComes(count: number, windowMs: number): Group {
  return versusAll(
    `echo 64 B, 50 connections, ${count} worker${count === 1 ? '' : 's'}`,
    windowMs,
    { connections: MANY, bytes: SMALL, workers: count },
    teams(count),
    ['rate', 'cpu', 'p99'],
    { point: { curve: 'workers', at: count } },
  );
}

/** Each worker has as many clients, in both. A worker that has most of them finds several in a turn, and takes less for each. */
function even(count: number, windowMs: number): Group {
  const options = { mode: 'base', workers: count, reusePort: true } as const;
  return versusAll(
    `echo 64 B, ${EVEN} connections, ${EVEN / count} for each of ${count} workers`,
    windowMs,
    { connections: EVEN, bytes: SMALL, workers: count, evenly: true },
    [[millrace(options), [[swoole(options), { rate: EVEN_BAR }]]]],
    ['rate', 'cpu', 'p99'],
  );
}

function teams(count: number): Team[] {
  const base = { mode: 'base', workers: count } as const;
  return [
    [
      millrace({ reactors: 1, workers: count }),
      [[swoole({ mode: 'process', reactors: 1, workers: count }), {}]],
    ],
    [
      millrace(base),
      [
        [swoole(base), { rate: 1 }],
        // Named without the number, so that the points of a curve have one name.
        [{ ...nodeCluster(count), name: 'node:cluster' }, { rate: CLUSTER_BAR }],
      ],
    ],
  ];
}

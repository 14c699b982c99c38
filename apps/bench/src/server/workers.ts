import type { Group } from '../harness.js';
import { millrace, nodeCluster, swoole } from './programs.js';
import { MANY, SMALL, type Team, versusAll } from './versus.js';

const COUNTS = [1, 2, 4, 8];
/** What base mode must reach against a cluster of as many. */
const CLUSTER_BAR = 1.7;

/** The same echo by more and more workers. */
export function workers(windowMs: number): Group[] {
  return COUNTS.map((count) =>
    versusAll(
      `echo 64 B, 50 connections, ${count} worker${count === 1 ? '' : 's'}`,
      windowMs,
      { connections: MANY, bytes: SMALL },
      teams(count),
      ['rate', 'cpu', 'p99'],
      { point: { curve: 'workers', at: count } },
    ),
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

import type { Group } from '../harness.js';
import { millrace, nodeCluster, nodeNet, swoole } from './programs.js';
import { type Bars, LARGE, MANY, SMALL, type Team, versusAll } from './versus.js';

/** Messages in flight on each connection, where they are pipelined. */
export const DEEP = 16;
/** What base mode must reach against Swoole's with large messages, where both do little but copy. */
const LARGE_IN_BASE_BAR = 0.9;

const one = { reactors: 1, workers: 1 };
/** The same programs in every group, so that one which a group names twice runs once. */
const ours = millrace(one);
const oursInBase = millrace({ mode: 'base', workers: 1 });
const swooleProcess = swoole({ mode: 'process', ...one });
const swooleBase = swoole({ mode: 'base', ...one });
const clusterOfOne = nodeCluster(1);
const clusterOfTwo = nodeCluster(2);

/** Process mode has two busy processes, and so has a cluster of two; base mode has one. */
function teams(bars: Bars): Team[] {
  return [
    [
      ours,
      [
        [swooleProcess, bars],
        [swooleBase, {}],
        [nodeNet, { rate: 1.5 }],
        [clusterOfTwo, { rate: 1.5 }],
      ],
    ],
    [
      oursInBase,
      [
        [swooleBase, { rate: 1 }],
        [clusterOfOne, { rate: 1.7 }],
      ],
    ],
  ];
}

export function echoes(windowMs: number): Group[] {
  return [
    versusAll(
      'echo 64 B, 50 connections',
      windowMs,
      { connections: MANY, bytes: SMALL },
      teams({ rate: 2, cpu: 2 }),
      ['rate', 'cpu', 'p99'],
      { tell: true },
    ),
    versusAll(
      'echo 64 B, 50 connections, 16 deep',
      windowMs,
      { connections: MANY, depth: DEEP, bytes: SMALL },
      teams({ rate: 10, cpu: 10 }),
      ['rate', 'cpu', 'p99'],
      { tell: true },
    ),
    versusAll(
      'echo 64 KiB, 50 connections',
      windowMs,
      { connections: MANY, bytes: LARGE },
      [
        [
          ours,
          [
            [swooleProcess, { rate: 1.5 }],
            [swooleBase, {}],
            [nodeNet, {}],
          ],
        ],
        [oursInBase, [[swooleBase, { rate: LARGE_IN_BASE_BAR }]]],
      ],
      ['rate', 'cpu'],
      { tell: true },
    ),
  ];
}

import type { Group } from '../harness.js';
import { millrace, nodeCluster, nodeNet, swoole } from './programs.js';
import { LARGE, MANY, SMALL, versus } from './versus.js';

/** Messages in flight on each connection, where they are pipelined. */
const DEEP = 16;

export function echoes(windowMs: number): Group[] {
  const one = { reactors: 1, workers: 1 };
  const swooleProcess = swoole({ mode: 'process', ...one });
  const swooleBase = swoole({ mode: 'base', ...one });
  return [
    versus(
      'echo 64 B, 50 connections',
      windowMs,
      { connections: MANY, bytes: SMALL },
      millrace(one),
      [
        [swooleProcess, { rate: 2, cpu: 2 }],
        [swooleBase, {}],
        [nodeNet, { rate: 1.5 }],
        [nodeCluster(2), { rate: 1.5 }],
      ],
      ['rate', 'cpu', 'p99'],
    ),
    versus(
      'echo 64 B, 50 connections, 16 deep',
      windowMs,
      { connections: MANY, depth: DEEP, bytes: SMALL },
      millrace(one),
      [
        [swooleProcess, { rate: 10, cpu: 10 }],
        [swooleBase, {}],
        [nodeNet, { rate: 1.5 }],
        [nodeCluster(2), { rate: 1.5 }],
      ],
      ['rate', 'cpu', 'p99'],
    ),
    versus(
      'echo 64 B, 1 connection',
      windowMs,
      { connections: 1, bytes: SMALL },
      millrace(one),
      [
        [swooleProcess, { p50: 1 }],
        [swooleBase, {}],
        [nodeNet, {}],
      ],
      ['p50', 'p99'],
    ),
    versus(
      'echo 64 KiB, 50 connections',
      windowMs,
      { connections: MANY, bytes: LARGE },
      millrace(one),
      [
        [swooleProcess, { rate: 1.5 }],
        [swooleBase, {}],
        [nodeNet, {}],
      ],
      ['rate', 'cpu'],
    ),
  ];
}

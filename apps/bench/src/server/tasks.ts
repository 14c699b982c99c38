import type { Group } from '../harness.js';
import { millrace, swoole } from './programs.js';
import { LARGE, MANY, versus } from './versus.js';

/** Bytes of a small task's value. */
const TASK = 100;

export function tasks(windowMs: number): Group[] {
  const one = { reactors: 1, workers: 1, taskWorkers: 1 };
  const socket = swoole({ ...one, taskIpc: 'socket' }, 'Swoole, socket tasks');
  const queue = swoole({ ...one, taskIpc: 'queue' }, 'Swoole, queue tasks');
  const inFiles = millrace({ ...one, taskLargeValues: 'file' }, 'millrace, values in files');
  const sizes: (readonly [string, number, number])[] = [
    ['100 B', TASK, 2],
    ['64 KiB', LARGE, 4],
  ];
  return sizes.map(([size, bytes, bar]) =>
    versus(
      `receive, task, finish, send ${size}, 50 connections`,
      windowMs,
      { connections: MANY, bytes },
      millrace(one, 'millrace, tasks'),
      [
        [socket, { rate: bar }],
        [queue, { rate: bar }],
        [millrace({ ...one, taskTransport: 'pipe' }, 'millrace, pipe tasks'), {}],
        // A value of 100 B is in no file.
        ...(bytes === LARGE ? [[inFiles, {}] as const] : []),
      ],
      ['rate', 'cpu', 'p99'],
    ),
  );
}

import type { Contender, Group } from '../harness.js';
import { allowedCpus } from '../machine.js';
import { millrace, nodeNet, swoole } from './programs.js';
import type { Placement } from './under-load.js';
import { SMALL, versusAll } from './versus.js';

/**
 * The latency of one connection. Where server and client run decides it more than either does, so both are placed: on
 * one processor, where a message costs a switch, and on two, where it costs the waking of an idle one. Workers that look
 * before they sleep need a processor, so they are compared where each may run anywhere.
 */
export function single(windowMs: number): Group[] {
  const [first, second] = allowedCpus();
  return [
    placed('server and client on one processor', windowMs, { server: `${first}`, client: `${first}` }),
    second === undefined
      ? without(placed('server and client on a processor each', windowMs, {}))
      : placed('server and client on a processor each', windowMs, {
          server: `${first}`,
          client: `${second}`,
        }),
    anywhere(windowMs),
  ];
}

const one = { reactors: 1, workers: 1 };
/** Microseconds. */
const SPIN = 200;

function anywhere(windowMs: number): Group {
  const theirs = swoole({ mode: 'process', ...one });
  return versusAll(
    'echo 64 B, 1 connection, anywhere',
    windowMs,
    { connections: 1, bytes: SMALL },
    [
      [millrace(one), [[theirs, {}]]],
      [millrace({ ...one, spin: SPIN }, `millrace, spin ${SPIN}`), [[theirs, {}]]],
    ],
    ['p50', 'p99', 'cpu'],
  );
}

function placed(where: string, windowMs: number, placement: Placement): Group {
  const base = swoole({ mode: 'base', ...one });
  return versusAll(
    `echo 64 B, 1 connection, ${where}`,
    windowMs,
    { connections: 1, bytes: SMALL },
    [
      [
        millrace(one),
        [
          [swoole({ mode: 'process', ...one }), { p50: 1 }],
          [nodeNet, {}],
        ],
      ],
      [millrace({ mode: 'base', workers: 1 }), [[base, {}]]],
    ],
    ['p50', 'p99'],
    { placement, tell: true },
  );
}

/** The same without any server taking part: its rows say why. */
function without({ contenders, comparisons }: Group): Group {
  const missing = 'not measured: there is one processor';
  const absent = new Map(
    contenders.map((contender): [Contender, Contender] => [contender, { ...contender, missing }]),
  );
  return {
    contenders: [...absent.values()],
    comparisons: comparisons.map((comparison) => ({
      ...comparison,
      ours: absent.get(comparison.ours) as Contender,
      peer: absent.get(comparison.peer) as Contender,
    })),
  };
}

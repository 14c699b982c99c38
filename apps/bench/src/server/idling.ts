import { setTimeout as sleep } from 'node:timers/promises';
import type { Comparison, Contender, Group } from '../harness.js';
import { rest } from '../load/rest.js';
import { loadByC } from '../load/tcpload.js';
import type { LoadResult } from '../load/work.js';
import { DEEP } from './echoes.js';
import { millrace, nodeNet, type Program } from './programs.js';
import { MANY, SMALL } from './versus.js';

/** Milliseconds for which nothing is asked. */
const IDLE_MS = 10_000;
/** Under load before that: runtimes compile hot code while it runs. */
const WARM_UP_MS = 4_000;
/** A server that has been idle is to be as quick from the first message on. */
const BAR = 0.9;

const one = { reactors: 1, workers: 1 };

/** Each echo 16 deep right after its clients have come back from ten seconds of silence, beside itself warm. */
export function idling(windowMs: number): Group {
  const pairs = [
    { program: millrace({ mode: 'base', workers: 1 }), bar: BAR },
    { program: millrace(one), bar: BAR },
    { program: nodeNet, bar: undefined },
  ].map(({ program, bar }) => ({
    idled: contender(program, windowMs, IDLE_MS),
    warm: contender(program, windowMs, 0),
    bar,
  }));
  const name = `echo 64 B, 50 connections, ${DEEP} deep, after ${IDLE_MS / 1_000} s of idling`;
  const comparisons = pairs.flatMap(({ idled, warm, bar }): Comparison[] => {
    const common = { ours: idled, peer: warm } as const;
    return [
      { ...common, case: name, unit: 'msg/s', metric: 'rate', better: 'more', bar },
      {
        ...common,
        case: `${name}, processor time of the server`,
        unit: 'us/msg',
        metric: 'cpu',
        better: 'less',
      },
    ];
  });
  return { contenders: pairs.flatMap(({ idled, warm }) => [idled, warm]), comparisons };
}

/** By the client in C, which needs no time to be warm itself. */
function contender({ name, missing, start }: Program, windowMs: number, idleMs: number): Contender {
  const client = process.env.TCPLOAD;
  const run = async (): Promise<LoadResult> => {
    const { child, port } = await start();
    const load = (ms: number) =>
      loadByC(client as string, {
        port,
        pid: child.pid,
        connections: MANY,
        depth: DEEP,
        bytes: SMALL,
        framing: 'length',
        windowMs: ms,
        warmUpMs: 0,
      });
    try {
      await rest(child.pid);
      await load(WARM_UP_MS);
      await sleep(idleMs);
      return await load(windowMs);
    } finally {
      await child.stop();
    }
  };
  return {
    name: idleMs === 0 ? `${name}, warm` : name,
    missing: client ? missing : 'not measured: set TCPLOAD to the client in C',
    run,
  };
}

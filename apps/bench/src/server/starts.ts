import { answers } from '../accepts.js';
import { freePort } from '../free-port.js';
import type { Contender, Group } from '../harness.js';
import { bareTree, startLimit } from './bare-tree.js';
import { millrace, netEcho, nodeCluster, type Program, swoole } from './programs.js';
import { STAGES, startStages } from './start-stages.js';

const MESSAGE = Buffer.from('\0\0\0\u0004ping', 'latin1');

/** What of {@link bareTree} is told. */
const BARE: Readonly<Record<string, string>> = {
  milliseconds: 'two run in the place of the workers',
  all: 'all run',
};

/** From the start of the first process until a worker has answered a client that tries from the beginning. */
export function starts(): Group {
  const size = { reactors: 1, workers: 2, taskWorkers: 2, direct: true };
  const ours = start((port) => millrace({ ...size, port }));
  const peers = [
    start((port) => swoole({ ...size, port })),
    start((port) => netEcho({ port })),
    start((port) => nodeCluster(2, { port })),
  ];
  return {
    contenders: [ours, ...peers, bareTree, startStages],
    comparisons: peers.map((peer) => ({
      case: 'start until a client is answered, 2 workers, 2 task workers',
      unit: 'ms',
      metric: 'milliseconds',
      better: 'less',
      ours,
      peer,
      limit: startLimit,
    })),
    figures: [
      ...Object.entries(BARE).map(([metric, what]) => ({
        case: `start until ${what}: bare Node, as many processes`,
        unit: 'ms',
        metric,
        contender: bareTree,
      })),
      ...Object.entries(STAGES).map(([metric, what]) => ({
        case: `start, 2 workers, 2 task workers: ${what}`,
        unit: 'ms',
        metric,
        contender: startStages,
      })),
    ],
  };
}

function start(programOn: (port: number) => Program): Contender {
  const { name, missing } = programOn(0);
  const run = async () => {
    const port = await freePort();
    const before = performance.now();
    const [milliseconds, { child }] = await Promise.all([
      answers(port, MESSAGE).then(() => performance.now() - before),
      programOn(port).start(),
    ]);
    await child.stop();
    return { milliseconds };
  };
  return { name, missing, run };
}

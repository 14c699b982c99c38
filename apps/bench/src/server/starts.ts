import type { Contender, Group } from '../harness.js';
import { millrace, nodeCluster, nodeNet, type Program, swoole } from './programs.js';
import { STAGES, startStages } from './start-stages.js';

/** From the start of the first process until connections are accepted. */
export function starts(): Group {
  const size = { reactors: 1, workers: 2, taskWorkers: 2 };
  const ours = start(millrace(size));
  const peers = [swoole(size), nodeNet, nodeCluster(2)].map(start);
  return {
    contenders: [ours, ...peers, startStages],
    comparisons: peers.map((peer) => ({
      case: 'start until connections are accepted, 2 workers, 2 task workers',
      unit: 'ms',
      metric: 'milliseconds',
      better: 'less',
      ours,
      peer,
    })),
    figures: Object.entries(STAGES).map(([metric, what]) => ({
      case: `start, 2 workers, 2 task workers: ${what}`,
      unit: 'ms',
      metric,
      contender: startStages,
    })),
  };
}

function start({ name, missing, start: begin }: Program): Contender {
  const run = async () => {
    const before = performance.now();
    const { child } = await begin();
    const milliseconds = performance.now() - before;
    await child.stop();
    return { milliseconds };
  };
  return { name, missing, run };
}

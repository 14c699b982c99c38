import type { Comparison, Group } from '../harness.js';
import { millrace } from './programs.js';
import { type Load, underLoad, underLoadByC } from './under-load.js';
import { MANY, SMALL } from './versus.js';

/** The project's own client beside tcpload, on the same server: whether one tells what the other does. */
export function clients(windowMs: number): Group {
  const load: Load = { framing: 'length', windowMs, connections: MANY, bytes: SMALL };
  const program = millrace({ reactors: 1, workers: 1 });
  const ours = { ...underLoad(program, load), name: 'own client' };
  const peer = underLoadByC(program, load, 'tcpload');
  const common = { ours, peer } as const;
  const comparisons: Comparison[] = [
    { ...common, case: 'what the clients tell: rate', unit: 'msg/s', metric: 'rate', better: 'more' },
    { ...common, case: 'what the clients tell: p50', unit: 'us', metric: 'p50', better: 'less' },
    { ...common, case: 'what the clients tell: p99', unit: 'us', metric: 'p99', better: 'less' },
    {
      ...common,
      case: 'what the clients tell: processor time of the server',
      unit: 'us/msg',
      metric: 'cpu',
      better: 'less',
    },
  ];
  return { contenders: [ours, peer], comparisons };
}

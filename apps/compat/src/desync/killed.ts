import { PLAIN, Served, type StartCommand } from '../start.js';
import { type Probe, SPLIT_PROBES } from './probes.js';
import { probeAround, probeOnce, probeSplit, type RawAnswer } from './probing.js';

/** What connections saw whose workers were killed at a byte of a probe. */
export interface KilledProbes {
  readonly probes: number;
  readonly connections: number;
  /** All that plain node answers. */
  readonly whole: number;
  /** The first of those answers, or none, and 502. */
  readonly badGateway: number;
  /** The first of those answers, or a part, and a reset. */
  readonly reset: number;
  /** The first of those answers, or none, and an end without a word: which were so. */
  readonly short: readonly string[];
  /** An answer that plain node gives to no split of the probe: bytes that were read as another request than they are. */
  readonly others: readonly string[];
}

const SHOWN = 10;
const BAD_GATEWAY = /HTTP\/1\.1 502 Bad Gateway\r\n.*$/s;

/**
 * Sends each probe over as many connections as it has bytes, kills all workers when each connection has sent another part of it,
 * and sends the rest.
 */
export async function probeKilledWorkers(
  by: StartCommand,
  killAll: (served: Served) => Promise<void>,
  probes: readonly Probe[] = SPLIT_PROBES,
): Promise<KilledProbes> {
  await using plain = await Served.start('inspect.js', PLAIN);
  await using candidate = await Served.start('inspect.js', by);
  const result = { probes: 0, connections: 0, whole: 0, badGateway: 0, reset: 0 };
  const short: string[] = [];
  const others: string[] = [];
  for (const probe of probes) {
    const right = new Set([...(await probeSplit(plain, probe)), await probeOnce(plain, probe)]);
    const all = await probeAround(candidate, probe, () => killAll(candidate));
    result.probes++;
    for (const [at, { answer, end }] of all.entries()) {
      result.connections++;
      const kind = kindOf(answer, end, right);
      if (kind === 'whole' || kind === 'badGateway' || kind === 'reset') {
        result[kind]++;
        continue;
      }
      const list = kind === 'short' ? short : others;
      if (list.length < SHOWN) list.push(`${probe.says}, killed behind ${at + 1} bytes: ${answer}`);
    }
  }
  return { ...result, short, others };
}

function kindOf(
  answer: RawAnswer,
  end: string,
  right: ReadonlySet<RawAnswer>,
): 'whole' | 'badGateway' | 'reset' | 'short' | undefined {
  if (right.has(answer)) return 'whole';
  const before = answer.replace(BAD_GATEWAY, '');
  const rests = [...right]
    .filter((whole) => whole.startsWith(before))
    .map((whole) => whole.slice(before.length));
  if (rests.length === 0) return undefined;
  if (end === 'reset' && before === answer) return 'reset';
  if (!rests.some((rest) => rest === '' || rest.startsWith('HTTP/'))) return undefined;
  return before === answer ? 'short' : 'badGateway';
}

/**
 * Compares what `ws` alone and `ws` with the lean engine make of the same bytes, and stops at the first difference. The first conversation of
 * each round is cut at every byte.
 *
 *     node dist-test/websocket/main.js [--count CONVERSATIONS] [--seed FIRST]
 */
import { inspect, parseArgs } from 'node:util';
import * as fc from 'fast-check';
import { difference, type Manner, sentLean } from './conversation.js';
import { conversations, manners, split } from './frames.js';

/** Conversations of one seed. */
const ROUND = 1_000;
/** A conversation that is longer is not cut at every byte. */
const CUT_BYTES = 2_000;

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '20000' },
    seed: { type: 'string', default: `${Date.now() % 1_000_000}` },
  },
});
const count = Number(values.count);
let done = 0;
let cuts = 0;
for (let seed = Number(values.seed); done < count; seed++) {
  const drawn = fc.sample(fc.tuple(conversations, manners, fc.array(fc.nat(), { maxLength: 3 })), {
    seed,
    numRuns: Math.min(ROUND, count - done),
  });
  for (const [bytes, manner, places] of drawn) await compare(bytes, manner, places);
  done += drawn.length;
  const cut = drawn.find(([bytes]) => bytes.length <= CUT_BYTES);
  for (let at = 1; cut !== undefined && at < cut[0].length; at++, cuts++) await compare(cut[0], cut[1], [at]);
  console.log(
    `seed ${seed}: ${done} conversations, ${cuts} cuts, ${sentLean} messages sent lean, no difference`,
  );
}

async function compare(bytes: Buffer, manner: Manner, places: readonly number[]): Promise<void> {
  const found = await difference(split(bytes, places), manner);
  if (found === undefined) return;
  console.log(
    inspect({ bytes: bytes.toString('hex'), manner, places, ...found }, { depth: 6, maxStringLength: 4_000 }),
  );
  process.exit(1);
}

import { inspect } from 'node:util';
import * as fc from 'fast-check';
import { Comparison, split } from './compare.js';
import { conversations } from './requests.js';

/** Conversations of one round, each with a seed of its own. */
const ROUND = 10_000;

// node dist-test/fuzz/main.js [CONVERSATIONS] [SEED]
const [count = 1_000_000, first = Date.now() % 1_000_000] = process.argv.slice(2).map(Number);

const comparison = new Comparison();
let done = 0;
let cuts = 0;
for (let seed = first; done < count; seed++) {
  const drawn = fc.sample(fc.tuple(conversations, fc.array(fc.nat(), { maxLength: 2 })), {
    seed,
    numRuns: Math.min(ROUND, count - done),
  });
  for (const [text, places] of drawn) {
    const difference = await comparison.difference(split(text, places));
    if (difference !== undefined) fail(text, places, difference);
    done++;
  }
  // The first of each round, at every place.
  const [text] = drawn[0] as (typeof drawn)[number];
  for (let at = 1; at < text.length; at++) {
    const difference = await comparison.difference(split(text, [at]));
    if (difference !== undefined) fail(text, [at], difference);
    cuts++;
  }
  console.log(
    `seed ${seed}: ${done} conversations, ${cuts} cuts, ${comparison.leanToTheEnd} lean to their end, no difference`,
  );
}

function fail(text: string, places: readonly number[], difference: object): never {
  console.log(inspect({ text, places, ...difference }, { depth: 5, maxStringLength: 4_000 }));
  process.exit(1);
}

import * as fc from 'fast-check';
import { Comparison, type Difference, type Seen, split } from './compare.js';
import { type Conversation, conversations } from './requests.js';

/** Conversations of one round, each round with a seed of its own. */
export const ROUND = 10_000;

/** How many go on at the same time. */
const AT_ONCE = 100;

/** Of so many conversations one is cut at each of its bytes. */
const CUT_ONE_OF = 5_000;

/** What one round has found. */
export interface RoundResult {
  readonly seed: number;
  readonly conversations: number;
  /** Some of them once more, cut at each of their bytes. */
  readonly cuts: number;
  readonly seen: Seen;
  readonly difference?: Difference & { readonly text: string; readonly places: readonly number[] };
}

type Case = readonly [conversation: Conversation, places: readonly number[]];

/** Compares the conversations that `seed` gives, up to the first that differs. */
export async function round(seed: number, count: number): Promise<RoundResult> {
  const comparison = new Comparison();
  const drawn = fc.sample(conversations, { seed, numRuns: count }).map((each): Case => [each, each.places]);
  const cut = drawn
    .filter((_, i) => i % CUT_ONE_OF === 0)
    .flatMap(([conversation]) =>
      Array.from(
        { length: Math.max(0, conversation.text.length - 1) },
        (__, at): Case => [conversation, [...conversation.places, at + 1]],
      ),
    );
  const all = [...drawn, ...cut];
  const result = () => ({ seed, conversations: count, cuts: cut.length, seen: comparison.seen });
  for (let at = 0; at < all.length; at += AT_ONCE) {
    const some = all.slice(at, at + AT_ONCE);
    const found = await comparison.differences(
      some.map(([{ text, mutated }, places]) => ({ pieces: split(text, places), mutated })),
    );
    for (const [i, difference] of found.entries()) {
      const [{ text }, places] = some[i] as Case;
      if (difference !== undefined) return { ...result(), difference: { ...difference, text, places } };
    }
  }
  return result();
}

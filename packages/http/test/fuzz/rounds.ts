import * as fc from 'fast-check';
import { Comparison, type Difference, split } from './compare.js';
import { conversations } from './requests.js';

/** Conversations of one round, each round with a seed of its own. */
export const ROUND = 10_000;

/** How many go on at the same time. */
const AT_ONCE = 50;

/** What one round has found. */
export interface RoundResult {
  readonly seed: number;
  readonly conversations: number;
  /** One of them, cut at each of its bytes. */
  readonly cuts: number;
  readonly leanToTheEnd: number;
  readonly difference?: Difference & { readonly text: string; readonly places: readonly number[] };
}

type Case = readonly [text: string, places: readonly number[]];

/** Compares the conversations that `seed` gives, up to the first that differs. */
export async function round(seed: number, count: number): Promise<RoundResult> {
  const comparison = new Comparison();
  const drawn: readonly Case[] = fc.sample(fc.tuple(conversations, fc.array(fc.nat(), { maxLength: 2 })), {
    seed,
    numRuns: count,
  });
  const [text] = drawn[0] as Case;
  const cut = Array.from({ length: Math.max(0, text.length - 1) }, (_, at): Case => [text, [at + 1]]);
  const all = [...drawn, ...cut];
  const result = () => ({
    seed,
    conversations: count,
    cuts: cut.length,
    leanToTheEnd: comparison.leanToTheEnd,
  });
  for (let at = 0; at < all.length; at += AT_ONCE) {
    const found = await Promise.all(all.slice(at, at + AT_ONCE).map((each) => compare(comparison, each)));
    const difference = found.find((each) => each !== undefined);
    if (difference !== undefined) return { ...result(), difference };
  }
  return result();
}

async function compare(comparison: Comparison, [text, places]: Case) {
  const difference = await comparison.difference(split(text, places));
  return difference && { ...difference, text, places };
}

import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Comparison, Contender, Group } from './harness.js';
import type { loadSuite } from './suites.js';

/** How much of the other checkout's figure each of ours has to reach. */
const BAR = 0.97;

/** The groups of the suite `name` as another checkout has them, which must be built. */
export async function groupsOf(directory: string, name: string, quick: boolean): Promise<readonly Group[]> {
  const file = pathToFileURL(resolve(directory, 'apps/bench/dist/suites.js')).href;
  const suites = (await import(file)) as { readonly loadSuite: typeof loadSuite };
  return (await suites.loadSuite(name)).groups({ quick });
}

/**
 * Ours of each group beside the same contender of another checkout, in place of their peers: what a change costs. A
 * contender or a case that the other checkout does not have is left out.
 */
export function against(groups: readonly Group[], others: readonly Group[]): readonly Group[] {
  return groups.flatMap((group) => {
    const other = others.find(({ comparisons }) => comparisons[0]?.case === group.comparisons[0]?.case);
    if (other === undefined) return [];
    const earlier = new Map<Contender, Contender>();
    for (const { ours } of group.comparisons) {
      const same = other.contenders.find(({ name }) => name === ours.name);
      if (same !== undefined) earlier.set(ours, { ...same, name: `${same.name}, the other checkout` });
    }
    const comparisons = new Map<string, Comparison>();
    for (const comparison of group.comparisons) {
      const peer = earlier.get(comparison.ours);
      const key = JSON.stringify([comparison.case, comparison.ours.name, comparison.metric]);
      if (peer !== undefined) comparisons.set(key, { ...comparison, peer, bar: BAR });
    }
    return [{ contenders: [...earlier].flat(), comparisons: [...comparisons.values()] }];
  });
}

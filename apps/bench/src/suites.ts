import type { Group } from './harness.js';

export interface SuiteOptions {
  /** Shorter runs, for a first impression. */
  readonly quick: boolean;
}

export interface Suite {
  /** Packages whose versions belong to the result. */
  readonly packages: readonly string[];
  /** Runs of one that is not quick, where there are many contenders. Default 5. */
  readonly runs?: number;
  readonly groups: (options: SuiteOptions) => readonly Group[];
  /** What a reader must know about the figures. */
  readonly notes: readonly string[];
}

const SUITES: Record<string, () => Promise<{ readonly suite: Suite }>> = {
  timers: () => import('./timers/suite.js'),
  reactor: () => import('./reactor/suite.js'),
  channels: () => import('./channels/suite.js'),
  primitives: () => import('./primitives/suite.js'),
  memory: () => import('./memory/suite.js'),
  metrics: () => import('./metrics/suite.js'),
  pools: () => import('./pools/suite.js'),
  server: () => import('./server/suite.js'),
  http: () => import('./http/suite.js'),
};

export const suiteNames = Object.keys(SUITES);

/** Throws, with a message for the user, when there is no such suite. */
export async function loadSuite(name: string): Promise<Suite> {
  const load = Object.hasOwn(SUITES, name) ? SUITES[name] : undefined;
  if (load === undefined)
    throw new Error(`There is no suite '${name}'; there are: ${suiteNames.join(', ')}.`);
  return (await load()).suite;
}

import type { Group } from './harness.js';

export interface SuiteOptions {
  /** Shorter runs, for a first impression. */
  readonly quick: boolean;
}

export interface Suite {
  /** Packages whose versions belong to the result. */
  readonly packages: readonly string[];
  readonly groups: (options: SuiteOptions) => readonly Group[];
  /** What a reader must know about the figures. */
  readonly notes: readonly string[];
}

/** All suites there will be; those without a module are not written yet. */
const SUITES: Record<string, (() => Promise<{ readonly suite: Suite }>) | undefined> = {
  timers: () => import('./timers/suite.js'),
  reactor: () => import('./reactor/suite.js'),
  channels: () => import('./channels/suite.js'),
  memory: undefined,
  pools: undefined,
  server: undefined,
};

/** Those that can be run. */
export const suiteNames = Object.keys(SUITES).filter((name) => SUITES[name] !== undefined);

/** Throws, with a message for the user, when there is no such suite or it is not written yet. */
export async function loadSuite(name: string): Promise<Suite> {
  const load = Object.hasOwn(SUITES, name) ? SUITES[name] : undefined;
  if (load !== undefined) return (await load()).suite;
  const why = Object.hasOwn(SUITES, name)
    ? `The suite '${name}' is not written yet`
    : `There is no suite '${name}'`;
  throw new Error(`${why}; there are: ${suiteNames.join(', ')}.`);
}

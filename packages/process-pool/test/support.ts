import { afterEach } from 'vitest';
import {
  type Exit,
  type MemberFailure,
  type MemberSpec,
  type Members,
  ProcessPool,
  type ProcessPoolEvents,
  type ProcessPoolOptions,
} from '../src/index.js';

export function fixture(name: string): string {
  return new URL(`../dist-test/fixtures/${name}.js`, import.meta.url).pathname;
}

/** A member that runs the fixture `child` and does what its name says. */
export function member(behave: string, more: Partial<MemberSpec> = {}): MemberSpec {
  return {
    name: behave,
    title: `pool-test: ${behave}`,
    entry: fixture('child'),
    data: { behave },
    ...more,
  };
}

export interface Watched {
  readonly pool: ProcessPool;
  readonly messages: unknown[];
  readonly exits: { name: string; exit: Exit; delay: number | undefined }[];
  readonly failures: MemberFailure[];
  readonly ready: string[];
  /** Every event's name, in order. */
  readonly log: string[];
}

const open: ProcessPool[] = [];

/** Ends what the tests of this file have started; to be called once in each file. */
export function stopPoolsAfterEach(): void {
  afterEach(async () => {
    await Promise.all(open.splice(0).map((pool) => pool.stop({ timeout: 100 })));
  });
}

/** A pool whose events are noted. */
export function watch(
  specs: readonly MemberSpec[] | Members,
  options: ProcessPoolOptions = {},
  more: ProcessPoolEvents = {},
): Watched {
  const messages: unknown[] = [];
  const exits: Watched['exits'] = [];
  const failures: MemberFailure[] = [];
  const ready: string[] = [];
  const log: string[] = [];
  const events: ProcessPoolEvents = {
    onStart: () => log.push('start'),
    onSpawn: ({ name }) => log.push(`spawn ${name}`),
    onMessage: (_member, body) => messages.push(body),
    onExit: ({ name }, exit, delay) => {
      exits.push({ name, exit, delay });
      log.push(`exit ${name}`);
    },
    onError: ({ name }, failure) => {
      failures.push(failure);
      log.push(`error ${name}`);
    },
    onStop: ({ name }) => log.push(`stop ${name}`),
    onGaveUp: ({ name }) => log.push(`gave up ${name}`),
    onReady: ({ name }) => {
      ready.push(name);
      log.push(`ready ${name}`);
    },
    onBeforeReload: () => log.push('before reload'),
    onAfterReload: ({ outcome }) => log.push(`after reload: ${outcome}`),
    onShutdown: () => log.push('shutdown'),
    ...more,
  };
  const pool = new ProcessPool(specs, events, options);
  open.push(pool);
  return { pool, messages, exits, failures, ready, log };
}

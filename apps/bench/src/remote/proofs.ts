import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RemotePoolStats } from '@millrace/task-broker';
import { TaskPool } from '@millrace/task-pool';
import { until } from '@millrace/testkit';
import type { EngineServer } from './engines.js';
import { Host } from './hosts.js';
import type { Network } from './network.js';
import type * as remoteTasks from './tasks.js';

export interface Stage {
  readonly network: Network;
  readonly engine: EngineServer;
  readonly directory: string;
  /** A share of the sizes, for a quick look. */
  readonly scale: number;
  /** Milliseconds between two kills. */
  readonly killEvery: number;
  /** Milliseconds that may pass without an answer while processes are killed. */
  readonly silence: number;
}

/** What was seen; `faults` is empty when all is as it has to be. */
export interface Outcome {
  readonly what: string;
  readonly saw: string;
  readonly faults: readonly string[];
}

type Pool = TaskPool<typeof remoteTasks>;
type Proof = (stage: Stage) => Promise<Outcome>;

const DEADLINE_MS = 400_000;
const MACHINES = ['host1', 'host2', 'host3'] as const;
const MODULE = new URL('./tasks.js', import.meta.url);

export const PROOFS: Readonly<Record<string, Proof>> = {
  cut: cutOff,
  kills: killedProcesses,
  restart: (stage) => restarted(stage, true),
  forget: (stage) => restarted(stage, false),
  pause: paused,
  caller: callerCutOff,
  block: blocked,
  cancel: cancelled,
  stop: stoppedInOrder,
};

/** A host loses its network in the middle of the tasks, and comes back while they run elsewhere. */
async function cutOff(stage: Stage): Promise<Outcome> {
  const count = Math.round(5_000 * stage.scale);
  return withHosts(stage, { size: 2, concurrency: 8 }, async ({ pool, notes }) => {
    const answers = submit(pool, 'work', count, 50, 10);
    await until('a fifth to be answered', () => answers.done > count / 5, { deadlineMs: DEADLINE_MS });
    stage.network.cut('host1');
    await sleep(15_000);
    stage.network.join('host1');
    await answers.all();
    const again = answers.attempts.filter((attempt) => attempt > 1).length;
    return {
      what: `${count} tasks over three hosts, one of them cut off for 15 s in the middle`,
      saw: `all answered once, ${again} of them in a later attempt`,
      faults: [...answers.faults(), ...untrue(notes, answers.attempts)],
    };
  });
}

async function killedProcesses(stage: Stage): Promise<Outcome> {
  const count = Math.round(20_000 * stage.scale);
  return withHosts(stage, { size: 2, concurrency: 4 }, async ({ pool, hosts, notes }) => {
    const answers = submit(pool, 'work', count, 5, 1_000);
    let kills = 0;
    let seen = 0;
    let seenAt = performance.now();
    let longest = 0;
    // After a silence that is a fault the rest is to be answered all the same.
    while (seen < count && longest < stage.silence) {
      const now = performance.now();
      longest = Math.max(longest, now - seenAt);
      if (answers.done + answers.failed > seen) {
        seen = answers.done + answers.failed;
        seenAt = now;
      }
      const pids = hosts.flatMap(({ taskPids }) => taskPids);
      const pid = pids[kills % Math.max(1, pids.length)];
      if (pid !== undefined) {
        kills++;
        killIfThere(pid);
      }
      await sleep(stage.killEvery);
    }
    const silent =
      longest < stage.silence ? [] : [`no answer for ${Math.round(longest)} ms, at ${seen} of ${count}`];
    await answers.all();
    const again = answers.attempts.filter((attempt) => attempt > 1).length;
    return {
      what: `${count} tasks while a task process is killed each ${stage.killEvery} ms`,
      saw: `${kills} kills, all answered once, ${again} in a later attempt; longest time without an answer ${Math.round(longest)} ms`,
      faults: [...silent, ...answers.faults(), ...untrue(notes, answers.attempts)],
    };
  });
}

async function restarted(stage: Stage, keep: boolean): Promise<Outcome> {
  const count = Math.round(2_000 * stage.scale);
  return withHosts(stage, { size: 2, concurrency: 8, keep }, async ({ pool, notes }) => {
    const answers = submit(pool, 'work', count, 50, 20);
    await until('a quarter to be answered', () => answers.done > count / 4, { deadlineMs: DEADLINE_MS });
    await stage.engine.stop();
    await sleep(1_000);
    await stage.engine.start(keep);
    await answers.all();
    const { lost, lookedUp } = (pool.stats() as RemotePoolStats).remote;
    return {
      what: `${count} tasks, the engine killed in the middle and started ${keep ? 'with' : 'without'} its data`,
      saw: `all answered once; ${lost} had been lost and were run again, ${lookedUp} answers were looked up`,
      faults: [...answers.faults(), ...untrue(notes, answers.attempts)],
    };
  });
}

async function paused(stage: Stage): Promise<Outcome> {
  const count = Math.round(1_000 * stage.scale);
  return withHosts(stage, { size: 2, concurrency: 8 }, async ({ pool, notes }) => {
    const answers = submit(pool, 'work', count, 100, 20);
    await until('a quarter to be answered', () => answers.done > count / 4, { deadlineMs: DEADLINE_MS });
    stage.engine.signal('SIGSTOP');
    await sleep(30_000);
    stage.engine.signal('SIGCONT');
    await answers.all();
    const again = answers.attempts.filter((attempt) => attempt > 1).length;
    return {
      what: `${count} tasks, the engine stopped by SIGSTOP for 30 s in the middle`,
      saw: `all answered once, ${again} in a later attempt`,
      faults: [...answers.faults(), ...untrue(notes, answers.attempts)],
    };
  });
}

async function callerCutOff(stage: Stage): Promise<Outcome> {
  const count = Math.round(1_000 * stage.scale);
  return withHosts(stage, { size: 2, concurrency: 8 }, async ({ pool, notes }) => {
    const answers = submit(pool, 'work', count, 100, 20);
    await until('a quarter to be answered', () => answers.done > count / 4, { deadlineMs: DEADLINE_MS });
    stage.network.cut('engine');
    await sleep(10_000);
    stage.network.join('engine');
    await answers.all();
    return {
      what: `${count} tasks, the engine's network cut for 10 s in the middle`,
      saw: `all answered once, ${(pool.stats() as RemotePoolStats).remote.lookedUp} by a look-up`,
      faults: [...answers.faults(), ...untrue(notes, answers.attempts)],
    };
  });
}

async function blocked(stage: Stage): Promise<Outcome> {
  return withHosts(stage, { size: 2 }, async ({ pool, notes }) => {
    const answers = submit(pool, 'block', 4, 15_000, 3);
    await answers.all();
    const runs = readFileSync(notes, 'utf8').trim().split('\n').length;
    return {
      what: '4 tasks that block their process for 15 s, three times the lock',
      saw: `${runs} runs, ${answers.done} answers`,
      faults: [...answers.faults(), ...(runs === 4 ? [] : [`${runs} runs of 4 tasks`])],
    };
  });
}

async function cancelled(stage: Stage): Promise<Outcome> {
  return withHosts(stage, { size: 3, concurrency: 40 }, async ({ pool, notes }) => {
    const file = join(stage.directory, 'open');
    const controller = new AbortController();
    const many = Array.from({ length: 200 }, () =>
      pool.run('gate', file, { signal: controller.signal }).then(
        () => 'ran',
        () => 'cancelled',
      ),
    );
    const neighbours = Array.from({ length: 50 }, () => pool.run('gate', file));
    await until('all to run', () => lines(notes).length === 250, { deadlineMs: DEADLINE_MS });
    const since = performance.now();
    controller.abort();
    const ends = await Promise.all(many);
    await until('all to hear of it', () => lines(notes).filter(([, attempt]) => attempt < 0).length === 200, {
      deadlineMs: DEADLINE_MS,
    });
    const took = performance.now() - since;
    writeFileSync(file, '');
    const others = await Promise.all(neighbours);
    const faults = ends.filter((end) => end !== 'cancelled').map((end) => `a cancelled task ${end}`);
    if (others.some((attempt) => attempt !== 1)) faults.push('a neighbour was run again');
    return {
      what: '200 running tasks cancelled from another machine, 50 neighbours',
      saw: `all 200 heard of it within ${Math.round(took)} ms, all 50 neighbours ended in their first attempt`,
      faults,
    };
  });
}

async function stoppedInOrder(stage: Stage): Promise<Outcome> {
  const count = Math.round(300 * stage.scale);
  return withHosts(stage, { size: 2, concurrency: 8 }, async ({ pool, hosts, notes }) => {
    const answers = submit(pool, 'work', count, 500, 0);
    await until('some to be answered', () => answers.done > count / 10, { deadlineMs: DEADLINE_MS });
    const since = performance.now();
    await (hosts[0] as Host).stop();
    const took = performance.now() - since;
    await answers.all();
    return {
      what: `${count} tasks without retries, a host stopped by SIGTERM in the middle`,
      saw: `it ended after ${Math.round(took)} ms, all answered in their first attempt`,
      faults: [...answers.faults(), ...untrue(notes, answers.attempts)],
    };
  });
}

interface Scene {
  readonly pool: Pool;
  readonly hosts: readonly Host[];
  readonly notes: string;
}

async function withHosts(
  { network, engine, directory }: Stage,
  {
    size,
    concurrency = 1,
    keep = true,
  }: { readonly size: number; readonly concurrency?: number; readonly keep?: boolean },
  run: (scene: Scene) => Promise<Outcome>,
): Promise<Outcome> {
  const notes = join(directory, `notes-${Math.random()}`);
  writeFileSync(notes, '');
  await engine.start(keep);
  const hosts: Host[] = [];
  const pool: Pool = new TaskPool<typeof remoteTasks>(MODULE, {
    size: 0,
    whenFull: 'wait',
    transport: engine.transport(),
  });
  try {
    for (const name of MACHINES)
      hosts.push(await Host.start(network, name, engine, { size, concurrency, notes }));
    await pool.ready();
    return await run({ pool, hosts, notes });
  } finally {
    await pool.destroy();
    for (const host of hosts) await host.kill();
    await engine.stop();
  }
}

/** Submits tasks, and counts how often each caller hears. */
function submit(pool: Pool, name: 'work' | 'block', count: number, ms: number, retries: number) {
  const heard = new Uint8Array(count);
  const errors: string[] = [];
  const attempts: number[] = [];
  let resolve: () => void = () => {};
  const over = new Promise<void>((settle) => {
    resolve = settle;
  });
  const answers = {
    attempts,
    done: 0,
    failed: 0,
    async all() {
      await until('all answers', () => answers.done + answers.failed === count, { deadlineMs: DEADLINE_MS });
      // Whoever would be answered twice has time to be.
      await sleep(3_000);
      await over;
    },
    faults(): string[] {
      const often = heard.filter((times) => times !== 1).length;
      return [...errors, ...(often === 0 ? [] : [`${often} callers heard not once`])];
    },
  };
  for (let i = 0; i < count; i++) {
    pool.call(
      name,
      ms,
      (error, attempt) => {
        heard[i] = (heard[i] as number) + 1;
        if (error === undefined) {
          answers.done++;
          attempts[i] = attempt as number;
        } else {
          answers.failed++;
          if (errors.length < 5) errors.push(String(error));
        }
        if (answers.done + answers.failed === count) resolve();
      },
      { retries },
    );
  }
  return answers;
}

function lines(notes: string): (readonly [id: number, attempt: number])[] {
  return readFileSync(notes, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split(' ').map(Number) as [number, number]);
}

/** Attempts that two runs had, and answers of attempts that never began. */
function untrue(notes: string, attempts: readonly number[]): string[] {
  const begun = new Set<string>();
  const faults: string[] = [];
  for (const [id, attempt] of lines(notes)) {
    const run = `${id} ${attempt}`;
    if (begun.has(run)) faults.push(`task ${id} had attempt ${attempt} twice`);
    begun.add(run);
  }
  for (const [index, attempt] of attempts.entries())
    if (!begun.has(`${index + 1} ${attempt}`))
      faults.push(`task ${index + 1}: attempt ${attempt} never began`);
  return faults.slice(0, 5);
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

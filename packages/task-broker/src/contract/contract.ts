/**
 * What every engine must do below the seam, as checks that know no test framework.
 *
 * ```ts
 * for (const { name, run } of engineContract) test(name, () => run({ engine, lock: 1_000 }));
 * ```
 *
 * @packageDocumentation
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CallerBroker, EngineFeature, HostBroker, TaskEngine } from '../engine/engine.js';
import type { Claim, EngineTask, Fate, Reply } from '../engine/task.js';
import type * as faultTasks from './fault-tasks.js';

export interface ContractFixture {
  /** An engine whose queue is empty, and no other check's. */
  readonly engine: TaskEngine;
  /** Milliseconds for which it keeps a claim that is not renewed. */
  readonly lock: number;
}

export interface ContractCheck {
  readonly name: string;
  /** What an engine need not have: it says so, and tasks that ask for it are refused. */
  readonly needs?: EngineFeature | undefined;
  run(fixture: ContractFixture): Promise<void>;
}

/** Milliseconds within which everything happens that is waited for. */
const DEADLINE_MS = 20_000;
const BODY = Buffer.from([1, 0, 255, 7]);
const ANSWER = Buffer.from([1, 42]);

/** Both ends of an engine, and what they have heard. */
class Ends {
  readonly caller: CallerBroker;
  readonly host: HostBroker;
  readonly replies: Reply[] = [];
  readonly cancelled: string[] = [];
  readonly credited: (readonly [id: string, total: number])[] = [];
  readonly #all: (CallerBroker | HostBroker)[] = [];
  readonly #engine: TaskEngine;

  constructor({ engine }: ContractFixture) {
    this.#engine = engine;
    this.caller = engine.caller();
    this.host = engine.host();
    this.#all.push(this.caller, this.host);
  }

  async open(): Promise<void> {
    await this.caller.open(this.#callerEvents(this.replies));
    await this.host.open(this.#hostEvents());
  }

  async anotherCaller(): Promise<{ readonly caller: CallerBroker; readonly replies: Reply[] }> {
    const caller = this.#engine.caller();
    const replies: Reply[] = [];
    this.#all.push(caller);
    await caller.open(this.#callerEvents(replies));
    return { caller, replies };
  }

  async anotherHost(): Promise<HostBroker> {
    const host = this.#engine.host();
    this.#all.push(host);
    await host.open({ ...this.#hostEvents(), cancelled: () => {}, credited: () => {} });
    return host;
  }

  async close(): Promise<void> {
    await Promise.all(this.#all.map((end) => end.close()));
  }

  #callerEvents(replies: Reply[]) {
    return { connected() {}, away() {}, replied: (reply: Reply) => void replies.push(reply) };
  }

  #hostEvents() {
    return {
      connected() {},
      away() {},
      stalled() {},
      cancelled: (id: string) => void this.cancelled.push(id),
      credited: (id: string, total: number) => void this.credited.push([id, total]),
    };
  }
}

/** The checks, in the order of the README's contract. */
export const engineContract: readonly ContractCheck[] = [
  check('a task is claimed as it was enqueued, in its first attempt', async (ends) => {
    const task = taskOf(ends, { name: 'resize', retries: 3, stream: true, number: 17 });
    assert.equal(await ends.caller.enqueue(task), task.id);
    const claim = await claimed(ends.host);
    const { id, name, number, body, attempt, retries, stream, replyTo } = claim;
    assert.deepEqual(
      { id, name, number, attempt, retries, stream, replyTo },
      {
        id: task.id,
        name: 'resize',
        number: 17,
        attempt: 1,
        retries: 3,
        stream: true,
        replyTo: ends.caller.address,
      },
    );
    assert.deepEqual(Buffer.from(body), BODY);
  }),
  check('a task that is enqueued again under its id is one task', async (ends) => {
    const task = taskOf(ends);
    await ends.caller.enqueue(task);
    await ends.caller.enqueue(task);
    await claimed(ends.host);
    await nothingToClaim(ends.host);
  }),
  check('of tasks with one idempotency key the first is run, and its id is that of all', async (ends) => {
    const ids = [];
    for (let i = 0; i < 3; i++)
      ids.push(await ends.caller.enqueue(taskOf(ends, { idempotencyKey: 'invoice: 7' })));
    assert.equal(new Set(ids).size, 1);
    const claim = await claimed(ends.host);
    assert.equal(claim.id, ids[0]);
    await ends.host.settle(claim, { kind: 'done', body: ANSWER }, false);
    // Also after it has ended.
    assert.equal(await ends.caller.enqueue(taskOf(ends, { idempotencyKey: 'invoice: 7' })), ids[0]);
    await nothingToClaim(ends.host);
    assert.equal((await fateOf(ends.caller, ids[0] as string)).kind, 'done');
  }),
  check('a settled task is known with its answer, and has one settlement', async (ends) => {
    const id = await ends.caller.enqueue(taskOf(ends));
    assert.equal((await fateOf(ends.caller, id)).kind, 'pending');
    const claim = await claimed(ends.host);
    assert.equal((await fateOf(ends.caller, id)).kind, 'pending');
    assert.equal((await ends.host.settle(claim, { kind: 'done', body: ANSWER }, false)).held, true);
    assert.equal((await ends.host.settle(claim, { kind: 'done', body: BODY }, false)).held, false);
    const fate = await fateOf(ends.caller, id);
    assert.ok(fate.kind === 'done');
    assert.deepEqual([Buffer.from(fate.body), fate.attempt], [ANSWER, 1]);
  }),
  check('what a task threw is known as such', async (ends) => {
    const id = await ends.caller.enqueue(taskOf(ends));
    const claim = await claimed(ends.host);
    await ends.host.settle(claim, { kind: 'thrown', body: ANSWER, message: 'RangeError: no' }, false);
    const fate = await fateOf(ends.caller, id);
    assert.ok(fate.kind === 'thrown');
    assert.deepEqual(Buffer.from(fate.body), ANSWER);
    await nothingToClaim(ends.host);
  }),
  check('of a task that was never enqueued nothing is known', async (ends) => {
    assert.equal((await fateOf(ends.caller, `never-${randomUUID()}`)).kind, 'unknown');
  }),
  check('replies reach the caller of the task in their order, and no other caller', async (ends) => {
    const other = await ends.anotherCaller();
    await ends.caller.enqueue(taskOf(ends));
    const claim = await claimed(ends.host);
    for (let i = 0; i < 500; i++) await ends.host.reply(claim, replyOf(ends, claim, 'item', i));
    await ends.host.reply(claim, replyOf(ends, claim, 'done', 500));
    await until('all replies', () => ends.replies.length === 501);
    assert.deepEqual(
      ends.replies.map(({ sequence }) => sequence),
      Array.from({ length: 501 }, (_, i) => i),
    );
    const [first] = ends.replies as [Reply];
    assert.deepEqual(
      { ...first, body: Buffer.from(first.body) },
      { ...replyOf(ends, claim, 'item', 0), body: ANSWER },
    );
    assert.deepEqual(other.replies, []);
  }),
  check('a caller that has gone takes nothing, and holds nobody up', async (ends) => {
    const { caller } = await ends.anotherCaller();
    await caller.enqueue({ ...taskOf(ends), replyTo: caller.address });
    await caller.close();
    const claim = await claimed(ends.host);
    await ends.host.reply(claim, replyOf(ends, claim, 'item', 0));
    assert.equal((await ends.host.settle(claim, { kind: 'done', body: ANSWER }, false)).held, true);
  }),
  check('a claim that is not renewed is another host’s, in its second attempt', async (ends, { lock }) => {
    const other = await ends.anotherHost();
    await ends.caller.enqueue(taskOf(ends, { retries: 1 }));
    const first = await claimed(ends.host);
    const since = performance.now();
    const second = await claimed(other);
    const after = performance.now() - since;
    assert.equal(second.attempt, 2);
    assert.ok(after >= lock * 0.8, `after ${after} ms of ${lock}`);
    assert.ok(after <= 2 * lock + 3_000, `after ${after} ms of ${lock}`);
    assert.deepEqual((await ends.host.renew([first])).lost, [first]);
    assert.equal((await ends.host.settle(first, { kind: 'done', body: BODY }, false)).held, false);
    assert.equal((await other.settle(second, { kind: 'done', body: ANSWER }, false)).held, true);
    const fate = await fateOf(ends.caller, second.id);
    assert.ok(fate.kind === 'done');
    assert.deepEqual([Buffer.from(fate.body), fate.attempt], [ANSWER, 2]);
  }),
  check('a claim that is renewed stays with its host', async (ends, { lock }) => {
    const other = await ends.anotherHost();
    await ends.caller.enqueue(taskOf(ends));
    const claim = await claimed(ends.host);
    const attempt = other.claim(AbortSignal.timeout(4 * lock));
    for (const end = performance.now() + 4 * lock; performance.now() < end; ) {
      assert.deepEqual(await ends.host.renew([claim]), { lost: [], cancelled: [] });
      await sleep(ends.host.renewEvery);
    }
    assert.equal(await attempt, undefined);
    assert.equal((await ends.host.settle(claim, { kind: 'done', body: ANSWER }, false)).held, true);
  }),
  check(
    'an answer reaches the caller behind its settlement, and none where the claim was lost',
    async (ends) => {
      const other = await ends.anotherHost();
      await ends.caller.enqueue(taskOf(ends, { retries: 1 }));
      const first = await claimed(ends.host);
      const second = await claimed(other);
      await ends.host.settle(first, { kind: 'done', body: BODY }, false, replyOf(ends, first, 'done', 1));
      await other.settle(second, { kind: 'done', body: ANSWER }, false, replyOf(ends, second, 'done', 2));
      // Behind those that were sent before it.
      await other.reply(second, replyOf(ends, second, 'progress', 4));
      await until('the answer', () => ends.replies.length >= 2);
      assert.deepEqual(
        ends.replies.map(({ sequence }) => sequence),
        [2, 4],
      );
    },
  ),
  check('a task that is to be run again is, at once, and counts its attempts', async (ends) => {
    await ends.caller.enqueue(taskOf(ends, { retries: 5 }));
    for (let attempt = 1; attempt <= 3; attempt += 2) {
      const claim = await claimed(ends.host);
      assert.equal(claim.attempt, attempt);
      // A host that waits already is told.
      const waiting = ends.host.claim(AbortSignal.timeout(DEADLINE_MS));
      const since = performance.now();
      const settled = await ends.host.settle(claim, { kind: 'again', message: 'died' }, false);
      assert.equal(settled.held, true);
      const again = (await waiting) as Claim;
      assert.equal(again?.attempt, attempt + 1);
      assert.ok(performance.now() - since < 2_000);
      await ends.host.settle(again, { kind: 'again', message: 'died' }, false);
    }
  }),
  check('a task that was claimed and not begun is claimed again, and that was no attempt', async (ends) => {
    await ends.caller.enqueue(taskOf(ends));
    const other = await ends.anotherHost();
    for (let round = 0; round < 2; round++) {
      const claim = await claimed(ends.host);
      assert.equal(claim.attempt, 1);
      const waiting = claimed(other);
      assert.equal((await ends.host.settle(claim, { kind: 'unbegun' }, false)).held, true);
      const again = await waiting;
      assert.deepEqual([again.id, again.attempt], [claim.id, 1]);
      // It is the other's: giving it back once more changes nothing.
      assert.equal((await ends.host.settle(claim, { kind: 'unbegun' }, false)).held, false);
      assert.equal((await fateOf(ends.caller, claim.id)).kind, 'pending');
      await other.settle(again, { kind: 'unbegun' }, false);
    }
    const last = await claimed(ends.host);
    assert.equal(last.attempt, 1);
    assert.equal((await ends.host.settle(last, { kind: 'done', body: ANSWER }, false)).held, true);
  }),
  check('attempts of a copy that was lost count', async (ends) => {
    await ends.caller.enqueue(taskOf(ends, { retries: 1, earlierAttempts: 2 }));
    const claim = await claimed(ends.host);
    assert.deepEqual([claim.attempt, claim.retries], [3, 3]);
  }),
  check('a waiting task that is cancelled is never claimed', async (ends) => {
    const id = await ends.caller.enqueue(taskOf(ends));
    await ends.caller.cancel(id);
    await nothingToClaim(ends.host);
  }),
  check('the host of a running task hears that it is cancelled, and no other task is', async (ends) => {
    const ids = [await ends.caller.enqueue(taskOf(ends)), await ends.caller.enqueue(taskOf(ends))];
    const claims = [await claimed(ends.host), await claimed(ends.host)];
    await ends.caller.cancel(ids[1] as string);
    await until('the cancellation', () => ends.cancelled.length === 1);
    assert.deepEqual(ends.cancelled, [ids[1]]);
    // The one who has missed it is told when it renews.
    const { cancelled } = await ends.host.renew(claims);
    assert.ok(cancelled.every(({ id }) => id === ids[1]));
  }),
  check('credit reaches the host that runs the stream', async (ends) => {
    await ends.anotherHost();
    await ends.caller.credit(ends.host.address, 'some-id', 24);
    await until('the credit', () => ends.credited.length === 1);
    assert.deepEqual(ends.credited, [['some-id', 24]]);
  }),
  check('a settlement that asks for another task is given it', async (ends) => {
    for (let i = 0; i < 2; i++) await ends.caller.enqueue(taskOf(ends, { number: i }));
    const claim = await claimed(ends.host);
    const { next } = await ends.host.settle(claim, { kind: 'done', body: ANSWER }, true);
    const second = next ?? (await claimed(ends.host));
    assert.equal(second.number, 1);
    assert.equal((await ends.host.settle(second, { kind: 'done', body: ANSWER }, false)).held, true);
  }),
  check('tasks are claimed in the order in which they were enqueued', async (ends) => {
    for (let i = 0; i < 20; i++) await ends.caller.enqueue(taskOf(ends, { number: i }));
    for (let i = 0; i < 20; i++) assert.equal((await claimed(ends.host)).number, i);
  }),
  check('who waits for a task and leaves takes none with it', async (ends) => {
    assert.equal(await ends.host.claim(AbortSignal.timeout(50)), undefined);
    await ends.caller.enqueue(taskOf(ends));
    // The one who left may have been given it, and has given it back: that is no attempt.
    assert.equal((await claimed(ends.host)).attempt, 1);
  }),
  check('a delayed task is not claimed before its time', async (ends) => {
    const since = performance.now();
    await ends.caller.enqueue(taskOf(ends, { delay: 1_500 }));
    await claimed(ends.host);
    assert.ok(performance.now() - since >= 1_490);
  }),
  check('counts say what waits, and which hosts have reported', async (ends) => {
    await ends.host.report({ running: 1, slots: 4, settled: 2, lost: 0 });
    for (let i = 0; i < 3; i++) await ends.caller.enqueue(taskOf(ends));
    await claimed(ends.host);
    const { waiting, running, hosts } = await ends.caller.counts();
    assert.deepEqual([waiting, running], [2, 1]);
    assert.deepEqual(hosts, { [ends.host.address]: { running: 1, slots: 4, settled: 2, lost: 0 } });
  }),
];

function check(name: string, run: (ends: Ends, fixture: ContractFixture) => Promise<void>): ContractCheck {
  return {
    name,
    async run(fixture) {
      const ends = new Ends(fixture);
      try {
        await ends.open();
        await run(ends, fixture);
      } finally {
        await ends.close();
      }
    },
  };
}

function taskOf({ caller }: Ends, more: Partial<EngineTask> = {}): EngineTask {
  return {
    id: randomUUID(),
    number: 1,
    name: 'task',
    body: BODY,
    replyTo: caller.address,
    retries: 0,
    earlierAttempts: 0,
    stream: false,
    expiresAt: undefined,
    priority: 0,
    delay: 0,
    idempotencyKey: undefined,
    ...more,
  };
}

function replyOf({ host }: Ends, { id }: Claim, kind: Reply['kind'], sequence: number): Reply {
  return { id, kind, attempt: 1, host: host.address, sequence, ran: 1.5, body: ANSWER };
}

async function claimed(host: HostBroker): Promise<Claim> {
  const claim = await host.claim(AbortSignal.timeout(DEADLINE_MS));
  assert.ok(claim !== undefined, 'no task was claimed');
  return claim;
}

/** What is there is claimed in a millisecond; half a second without is none. */
async function nothingToClaim(host: HostBroker): Promise<void> {
  assert.equal(await host.claim(AbortSignal.timeout(500)), undefined);
}

async function fateOf(caller: CallerBroker, id: string): Promise<Fate> {
  const [fate] = await caller.lookUp([id]);
  return fate as Fate;
}

async function until(what: string, holds: () => boolean): Promise<void> {
  for (const end = performance.now() + DEADLINE_MS; !holds(); await sleep(2))
    assert.ok(performance.now() < end, `${what}: not within ${DEADLINE_MS} ms`);
}

export { type PoolCheck, type PoolFixture, poolContract } from './pool-contract.js';

/** A module of tasks for an engine's own tests of its faults: they note their attempts in files. */
export const FAULT_TASKS = new URL('./fault-tasks.js', import.meta.url);
export type FaultTasks = typeof faultTasks;

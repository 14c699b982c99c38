import { randomUUID } from 'node:crypto';
import type { CallerBroker, Claim, EngineTask, HostBroker } from '@millrace/task-broker';
import { jetStreamEngine } from '@millrace/task-nats';
import { type JetStreamManager, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { TestNats, whyNoNats } from './nats.js';

/** Longer than all that a test waits for while a claim is held. */
const LOCK_MS = 8_000;
const DEADLINE_MS = 20_000;
const ANSWER = { kind: 'done', body: Buffer.from([1, 42]) } as const;

describe.skipIf(whyNoNats())('attempts over JetStream', () => {
  let nats: TestNats;
  let raw: NatsConnection;
  let manager: JetStreamManager;
  let caller: CallerBroker;
  let hosts: readonly [HostBroker, HostBroker];

  beforeEach(async () => {
    nats = new TestNats();
    await nats.start();
    raw = await connect({ servers: nats.servers });
    manager = await jetstreamManager(raw);
    const engine = jetStreamEngine({ servers: nats.servers, lock: LOCK_MS });
    caller = engine.caller();
    hosts = [engine.host(), engine.host()];
    const heard = { connected() {}, away() {}, cancelled() {}, credited() {}, stalled() {} };
    await caller.open({ ...heard, replied() {} });
    for (const host of hosts) await host.open(heard);
  });

  afterEach(async () => {
    for (const end of [caller, ...hosts]) await end.close();
    await raw.close();
    await nats.remove();
  });

  async function claimed(host: HostBroker): Promise<Claim> {
    const claim = await host.claim(AbortSignal.timeout(DEADLINE_MS));
    if (claim === undefined) throw new Error('no task was claimed');
    return claim;
  }

  function task(): EngineTask {
    const { address: replyTo } = caller;
    const plain = { number: 1, name: 'task', body: Buffer.from([1]), stream: false, expiresAt: undefined };
    const once = { retries: 0, earlierAttempts: 0, priority: 0, delay: 0, idempotencyKey: undefined };
    return { id: randomUUID(), replyTo, ...plain, ...once };
  }

  /** As servers before 2.10.16 do that have stood still, and any that has forgotten a delivery in a crash. */
  async function deliverAsNew(): Promise<void> {
    const stored = await manager.streams.getMessage('tasks', { seq: 1 });
    if (stored === null) throw new Error('the task is not in the stream');
    await jetstream(raw).publish('tasks.tasks', stored.data);
  }

  test('a task that the server delivers as new while it runs is not run by another host', async () => {
    await caller.enqueue(task());
    const claim = await claimed(hosts[0]);
    await deliverAsNew();
    expect(await hosts[1].claim(AbortSignal.timeout(500))).toBeUndefined();
    expect(await hosts[0].renew([claim])).toEqual({ lost: [], cancelled: [] });
    expect((await hosts[0].settle(claim, ANSWER, false)).held).toBe(true);
  });

  test('a task that the server delivers as new after its end is not run again', async () => {
    const id = await caller.enqueue(task());
    const claim = await claimed(hosts[0]);
    await deliverAsNew();
    expect((await hosts[0].settle(claim, ANSWER, false)).held).toBe(true);
    expect(await hosts[1].claim(AbortSignal.timeout(500))).toBeUndefined();
    expect(await caller.lookUp([id])).toMatchObject([{ kind: 'done', attempt: 1 }]);
  });

  test('a delivery that no host has claimed is no attempt', async () => {
    await caller.enqueue(task());
    // It reaches a connection, and no host.
    const lost = await (await jetstream(raw).consumers.get('tasks', 'hosts')).next({ expires: DEADLINE_MS });
    lost?.nak();
    const claim = await claimed(hosts[0]);
    expect(claim.attempt).toBe(1);
  });

  test('a task that runs for longer than its word is kept stays its host’s, and is settled', async () => {
    const id = await caller.enqueue(task());
    const claim = await claimed(hosts[0]);
    await manager.streams.purge('tasks-answers');
    expect(await hosts[0].renew([claim])).toEqual({ lost: [], cancelled: [] });
    expect((await manager.streams.info('tasks-answers')).state.messages).toBe(1);
    await manager.streams.purge('tasks-answers');
    expect((await hosts[0].settle(claim, ANSWER, false)).held).toBe(true);
    expect(await caller.lookUp([id])).toMatchObject([{ kind: 'done', attempt: 1 }]);
  });
});

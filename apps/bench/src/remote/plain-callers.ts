import { AckPolicy, jetstream, jetstreamManager, RetentionPolicy } from '@nats-io/jetstream';
import { connect, headers } from '@nats-io/transport-node';
import { Queue, QueueEvents } from 'bullmq';
import { Redis } from 'ioredis';

/** Runs one task, and resolves with its answer. */
export interface Caller {
  run(value: number): Promise<number>;
  close(): Promise<void>;
}

/** `waitUntilFinished`, as BullMQ has it. */
export async function bullmqCaller(address: string): Promise<Caller> {
  const connections = [0, 1].map(() => new Redis(address, { maxRetriesPerRequest: null }));
  const [commands, events] = connections as [Redis, Redis];
  const queue = new Queue('plain', { connection: commands });
  const queueEvents = new QueueEvents('plain', { connection: events });
  await queueEvents.waitUntilReady();
  const options = { removeOnComplete: { age: 3_600, count: 10_000 } };
  return {
    run: async (value) =>
      (await (await queue.add('noop', value, options)).waitUntilFinished(queueEvents)) as number,
    async close() {
      await queueEvents.close();
      await queue.close();
      for (const connection of connections) connection.disconnect();
    },
  };
}

/** A work queue, and an answer to a subject of the caller's own. */
export async function jetStreamCaller(address: string): Promise<Caller> {
  const nats = await connect({ servers: address });
  const manager = await jetstreamManager(nats);
  await manager.streams.add({
    name: 'plain',
    subjects: ['plain.tasks'],
    retention: RetentionPolicy.Workqueue,
  });
  await manager.consumers.add('plain', {
    durable_name: 'workers',
    ack_policy: AckPolicy.Explicit,
    max_ack_pending: -1,
  });
  const js = jetstream(nats);
  const waiting = new Map<number, (value: number) => void>();
  let calls = 0;
  nats.subscribe('plain.answers.*', {
    callback: (_error, message) => {
      const id = Number(message.subject.split('.').at(-1));
      waiting.get(id)?.(Number(message.string()));
      waiting.delete(id);
    },
  });
  return {
    async run(value) {
      const id = calls++;
      const to = headers();
      to.set('answer-to', `plain.answers.${id}`);
      const answer = new Promise<number>((resolve) => waiting.set(id, resolve));
      await js.publish('plain.tasks', String(value), { headers: to });
      return answer;
    },
    close: () => nats.close(),
  };
}

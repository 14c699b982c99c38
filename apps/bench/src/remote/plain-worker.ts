/**
 * A worker of BullMQ, or of JetStream, as one writes it without a pool: it runs tasks in its own process, and answers with their value. With
 * BullMQ also one whose tasks run in other processes: those of BullMQ itself (`sandboxed`), and those of a local pool (`pooled`).
 */
import { TaskPool } from '@millrace/task-pool';
import { type JsMsg, jetstream } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { Worker } from 'bullmq';
import { Redis } from 'ioredis';
import type * as remoteTasks from './tasks.js';

const [, , engine, address = '', concurrency = '16', processes = '2'] = process.argv;
const slots = Number(concurrency);

if (engine === 'bullmq' || engine === 'sandboxed' || engine === 'pooled') {
  const connection = new Redis(address, { maxRetriesPerRequest: null });
  const worker = new Worker('plain', await processorOf(engine), { connection, concurrency: slots });
  await worker.waitUntilReady();
} else {
  const nats = await connect({ servers: address });
  const consumer = await jetstream(nats).consumers.get('plain', 'workers');
  const messages = await consumer.consume({ max_messages: slots });
  void (async () => {
    for await (const message of messages) answer(message);
  })();

  function answer(message: JsMsg): void {
    nats.publish(message.headers?.get('answer-to') ?? '', message.data);
    message.ack();
  }
}
process.stdout.write('ready:\n');

type Processor = URL | ((job: { readonly data: number }) => Promise<number>);

async function processorOf(how: 'bullmq' | 'sandboxed' | 'pooled'): Promise<Processor> {
  if (how === 'bullmq') return (job) => Promise.resolve(job.data);
  if (how === 'sandboxed') return new URL('./sandboxed.js', import.meta.url);
  const size = Number(processes);
  const pool = new TaskPool<typeof remoteTasks>(new URL('./tasks.js', import.meta.url), {
    size,
    concurrency: slots / size,
  });
  await pool.ready();
  return ({ data }) => pool.run('noop', data);
}

/** A worker of BullMQ, or of JetStream, as one writes it without a pool: it runs tasks in its own process, and answers with their value. */
import { type JsMsg, jetstream } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { Worker } from 'bullmq';
import { Redis } from 'ioredis';

const [, , engine, address = '', concurrency = '16'] = process.argv;
const slots = Number(concurrency);

if (engine === 'bullmq') {
  const connection = new Redis(address, { maxRetriesPerRequest: null });
  const worker = new Worker('plain', (job) => Promise.resolve(job.data), { connection, concurrency: slots });
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

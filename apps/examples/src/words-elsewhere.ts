/**
 * A server that answers each line with the number of its words, counted by task workers of any server on the queue. Start several, on any number
 * of machines; one with the last argument 0 has no task workers, and only asks.
 *
 *     node dist/words-elsewhere.js 9501 redis://10.0.0.7 0
 *     node dist/words-elsewhere.js 9502 redis://10.0.0.7 4
 */
import { createServer } from '@millrace/server';
import { bullmq } from '@millrace/task-bullmq';

const [port = '9501', connection = 'redis://127.0.0.1', taskWorkers = '2'] = process.argv.slice(2);
const server = createServer({
  port: Number(port),
  workerNum: 2,
  taskWorkerNum: Number(taskWorkers),
  taskTransport: bullmq({ connection, queue: 'words' }),
  framing: { kind: 'eof', delimiter: '\n' },
  tasks: { count: (line: string) => line.split(/\s+/).length },
});

server.on('receive', async (session, line) => {
  try {
    // Whichever machine it runs on dies meanwhile: another one runs it again, twice at most.
    const words = await server.task('count', line.toString(), { timeout: 30_000, retries: 2 });
    session.send(`${words}\n`);
  } catch (error) {
    session.send(`not counted: ${(error as Error).message}\n`);
  }
});
server.on('start', () => console.log(`listening on ${server.addresses[0]?.port}`));
await server.start();

/**
 * A server that answers each line with the number of its words, counted by task workers, and once a second prints how
 * many lines each worker has had.
 *
 *     node dist/word-count.js 9501
 *     node -e "net.connect(9501, '127.0.0.1').end('one two three\n').pipe(process.stdout)"
 */
import { createServer } from '@millrace/server';

const server = createServer({
  port: Number(process.argv[2] ?? 9501),
  reactorNum: 2,
  workerNum: 4,
  taskWorkerNum: 2,
  framing: { kind: 'eof', delimiter: '\n' },
  tasks: { count: (line: Buffer) => line.toString().split(/\s+/).length },
});

let lines = 0;
server.on('workerStart', () => {
  if (!server.taskWorker) server.tick(1_000, () => console.log(`worker ${server.workerId}: ${lines} lines`));
});
server.on('receive', async (session, line) => {
  lines++;
  session.send(`${await server.task('count', line, { signal: AbortSignal.timeout(5_000) })}\n`);
});
server.on('close', (session, { byServer }) => {
  console.log(`session ${session.id} closed by the ${byServer ? 'server' : 'client'}`);
});
server.on('start', () => console.log(`listening on ${server.addresses[0]?.port}`));
await server.start();

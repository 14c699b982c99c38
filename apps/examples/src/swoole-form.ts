/**
 * The same in the form that Swoole's users know: one `task` handler, a `finish` handler, and task ids.
 *
 *     node dist/swoole-form.js 9501
 *     node -e "net.connect(9501, '127.0.0.1').end('one two three\n').pipe(process.stdout)"
 */
import { createServer } from '@millrace/server';

const server = createServer({
  port: Number(process.argv[2] ?? 9501),
  workerNum: 2,
  taskWorkerNum: 2,
  framing: { kind: 'eof', delimiter: '\n' },
});

server.on('receive', (session, line) => {
  void server.plainTask({ session: session.id, text: line.toString() });
  session.send('accepted\n');
});
server.on('task', (task) => {
  const { text } = task.data as { text: string };
  return text.toUpperCase();
});
server.on('finish', ({ id, data }) => console.log(`task ${id}: ${data}`));
server.on('start', () => console.log(`listening on ${server.addresses[0]?.port}`));
await server.start();

/**
 * A server with some of everything that the dashboard shows: workers that answer lines, task workers that count their words, a table.
 * The token of the dashboard is in MILLRACE_ADMIN_TOKEN.
 *
 *     node dist/dashboard/shop.js
 */
import { createServer } from '@millrace/server';
import { column } from '@millrace/shared-memory';

const server = createServer({
  port: 0,
  title: 'shop',
  reactorNum: 2,
  workerNum: 6,
  taskWorkerNum: 3,
  admin: { name: 'shop', port: 0 },
  framing: { kind: 'eof', delimiter: '\n' },
  tasks: { count: (line: Buffer) => line.toString().split(/\s+/).length },
});
const visits = server.addTable('visits', {
  rows: 10_000,
  columns: { page: column.string(32), hits: column.int64() },
});

let pages = 0;
server.on('receive', async (session, line) => {
  visits.increment(`page-${pages++ % 700}`, 'hits');
  session.send(`${await server.task('count', line)}\n`);
});
server.on('start', () => console.log(`listening on ${server.addresses[0]?.port}`));
await server.start();

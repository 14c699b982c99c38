// A server of its own, with tasks and a table. Lines: a task of that name; `look KEY`: reads the table.
import { createServer } from '@millrace/server';
import { column } from '@millrace/shared-memory/table';

const server = createServer({
  port: 0,
  workerNum: 2,
  taskWorkerNum: 1,
  admin: { name: 'working' },
  framing: { kind: 'eof', delimiter: '\n' },
  logLevel: 'warn',
  tasks: { add: (value) => value + 1, wait: () => new Promise(() => {}) },
});
const visits = server.addTable('visits', { rows: 16, columns: { hits: column.int64() } });
server.on('receive', async (session, data) => {
  const [name, key] = data.toString().split(' ');
  if (name === 'add') await server.task('add', 1);
  else if (name === 'wait') server.task('wait', undefined).catch(() => {});
  else if (name === 'hang') for (;;);
  else if (visits.get(key) === undefined) visits.set(key, { hits: 1 });
  session.send('done\n');
});
server.on('start', () => console.log(`listening ${JSON.stringify({ port: server.addresses[0].port })}`));
await server.start();

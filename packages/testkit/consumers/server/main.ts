import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { createServer } from '@millrace/server';

declare module '@millrace/server' {
  interface Types {
    sessionData: { lines: number };
    message: { kind: 'words'; words: number };
  }
}

const server = createServer({
  host: '127.0.0.1',
  port: 0,
  reactorNum: 1,
  workerNum: 1,
  taskWorkerNum: 1,
  logLevel: 'warn',
  framing: { kind: 'eof', delimiter: '\n' },
  tasks: { count: (line: Buffer) => line.toString().split(' ').length },
});
server.on('connect', (session) => {
  session.data = { lines: 0 };
  // @ts-expect-error It has the type that this program has said.
  session.data = 'none';
  session.data = { lines: 0 };
});
server.on('receive', async (session, line) => {
  if (session.data) session.data.lines += 1;
  session.send(`${await server.task('count', line)}\n`);
});
server.on('pipeMessage', (_source, { words }) => console.log(words + 1));
// @ts-expect-error Another program's message.
const wrong = () => server.sendMessage({ kind: 'letters' }, 0);
assert.equal(typeof wrong, 'function');
server.on('start', async () => {
  const client = connect((server.addresses[0] as { port: number }).port, '127.0.0.1');
  client.write('one two three\n');
  const [data] = (await once(client, 'data')) as [Buffer];
  client.destroy();
  assert.equal(data.toString(), '3\n');
  await server.shutdown();
});
await server.start();

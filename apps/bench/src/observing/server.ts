/** An echo of lines with an admin interface, for observing/main.ts. */
import { createServer } from '@millrace/server';

const server = createServer({
  port: 0,
  workerNum: 1,
  admin: { name: 'observed' },
  framing: { kind: 'eof', delimiter: '\n' },
  logLevel: 'error',
});
server.on('receive', (session, line) => {
  session.send(`${line}\n`);
});
server.on('start', () => console.log(JSON.stringify({ port: server.addresses[0]?.port })));
await server.start();

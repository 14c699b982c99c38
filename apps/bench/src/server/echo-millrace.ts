/**
 * Echo of length-prefixed messages on the server: `node echo-millrace.js OPTIONS` (JSON, see programs.ts). Prints its
 * port. With task workers, a task gives the answer, unless workers are to.
 */
import { createServer } from '@millrace/server';
import { announce } from './announcements.js';
import type { EchoOptions } from './programs.js';

const options = JSON.parse(process.argv[2] as string) as EchoOptions;
const { mode, reactors, workers = 1, taskWorkers = 0, direct, port = 0, standby, spin } = options;
const { taskTransport, taskLargeValues, reusePort } = options;
const server = createServer({
  host: '127.0.0.1',
  port,
  framing: { kind: 'length' },
  ...(mode !== undefined && { mode }),
  ...(reactors !== undefined && { reactorNum: reactors }),
  workerNum: workers,
  ...(standby !== undefined && { standby }),
  ...(spin !== undefined && { spin }),
  ...(reusePort !== undefined && { reusePort }),
  taskWorkerNum: taskWorkers,
  // 10,000 idle ones, and some that are busy.
  maxConnections: 12_000,
  ...(taskTransport !== undefined && { taskTransport }),
  ...(taskLargeValues !== undefined && { taskLargeValues }),
  logLevel: 'warn',
  tasks: { echo: (message: Buffer) => message },
});
if (taskWorkers === 0 || direct) {
  server.on('receive', (session, message) => {
    session.send(message);
  });
} else {
  server.on('receive', async (session, message) => {
    session.send(await server.task('echo', message));
  });
}
if (options.announce) {
  server.on('managerStart', () => announce({ manager: process.pid }));
  server.on('workerStart', (worker) => announce({ worker, pid: process.pid }));
  server.on('afterReload', ({ outcome }) => announce({ reloaded: outcome === 'reloaded' }));
}
server.on('start', () => console.log(server.addresses[0]?.port));
await server.start();

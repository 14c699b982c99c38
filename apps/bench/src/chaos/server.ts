/**
 * The server of the chaos run: echoes messages with a length on two ports, on the second by way of a task. Prints
 * `{ "ports": [echo, tasks] }`, and `{ "failed": 1 }` for each task whose caller heard of a death.
 */
import { createServer } from '@millrace/server';

export const WORKERS = 4;
export const TASK_WORKERS = 2;
/** Workers and task workers are found by these titles. */
export const TITLE = 'millrace-chaos';

const framing = { kind: 'length' } as const;
const server = createServer({
  host: '127.0.0.1',
  port: 0,
  framing,
  reactorNum: 1,
  workerNum: WORKERS,
  taskWorkerNum: TASK_WORKERS,
  title: TITLE,
  // Each death would be a line.
  logLevel: 'fatal',
  tasks: { echo: (message: Buffer) => message },
});
server.on('receive', (session, message) => void session.send(message));
server.addListener({ host: '127.0.0.1', port: 0, framing }).on('receive', async (session, message) => {
  try {
    session.send(await server.task('echo', message));
  } catch {
    console.log('{"failed":1}');
    session.send(message);
  }
});
server.on('start', () => console.log(JSON.stringify({ ports: server.addresses.map(({ port }) => port) })));
await server.start();

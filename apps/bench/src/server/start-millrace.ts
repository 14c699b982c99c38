/** A server of 2 workers and 2 task workers whose processes print when each stage of their start was over. */
import type { Stamps } from './start-stages.js';

const now = () => Number(process.hrtime.bigint());
const booted = now();
const { createServer } = await import('@millrace/server');
const loaded = now();

const server = createServer({
  host: '127.0.0.1',
  port: Number(process.argv[2] ?? 0),
  reactorNum: 1,
  workerNum: 2,
  taskWorkerNum: 2,
  logLevel: 'warn',
  programOutput: 'raw',
  tasks: { nothing: () => {} },
});
function tell(role: Stamps['role']): void {
  const stamps: Stamps = { role, booted, loaded, begun: now() };
  console.log(JSON.stringify(stamps));
}
server.on('start', () => tell('master'));
server.on('managerStart', () => tell('manager'));
server.on('workerStart', () => tell('worker'));
server.on('receive', (session, message) => void session.send(message));
await server.start();

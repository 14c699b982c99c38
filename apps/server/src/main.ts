/**
 * The server app: lines on one port, 4-byte length frames on another. Both echo; a line that begins with `count ` is
 * answered with the number of its words, counted by a task worker.
 */
import { availableParallelism } from 'node:os';
import { MillraceError } from '@millrace/channel/errors';
import { Command, InvalidArgumentError } from 'commander';
import { createServer } from './index.js';

const integer = (text: string) => {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('A whole number is needed.');
  return Number(text);
};

const program = new Command('millrace-server')
  .description(
    'Echoes lines and length-prefixed frames; a line that begins with "count " is counted by a task worker.',
  )
  .option('--host <address>', 'IPv4 or IPv6 address to listen on', '127.0.0.1')
  .option('--line-port <port>', 'port for lines', integer, 9501)
  .option('--frame-port <port>', 'port for frames with a 4-byte length', integer, 9502)
  .option('--reactors <n>', 'reactor threads', integer, Math.min(2, availableParallelism()))
  .option('--workers <n>', 'worker processes', integer, availableParallelism())
  .option('--task-workers <n>', 'task worker processes', integer, 2)
  .option('--log-level <level>', 'trace, debug, info, warn, error, fatal or silent', 'info')
  .parse();
const options = program.opts<{
  host: string;
  linePort: number;
  framePort: number;
  reactors: number;
  workers: number;
  taskWorkers: number;
  logLevel: 'info';
}>();

try {
  const server = createServer({
    host: options.host,
    port: options.linePort,
    framing: { kind: 'eof', delimiter: '\n', includeDelimiter: true },
    reactorNum: options.reactors,
    workerNum: options.workers,
    taskWorkerNum: options.taskWorkers,
    logLevel: options.logLevel,
    tasks: { count: (text: string) => text.split(/\s+/).filter((word) => word !== '').length },
  });

  const COUNT = Buffer.from('count ');
  server.on('receive', (session, line) => {
    if (!line.subarray(0, COUNT.length).equals(COUNT)) {
      session.send(line);
      return;
    }
    return server.task('count', line.toString('utf8', COUNT.length)).then((words) => {
      session.send(`${words}\n`);
    });
  });

  server
    .addListener({ host: options.host, port: options.framePort, framing: { kind: 'length' } })
    .on('receive', (session, frame) => {
      session.send(frame);
    });

  server.on('start', () => {
    const [lines, frames] = server.addresses;
    const to = (address = { host: '', port: 0 }) => `net.connect(${address.port}, '${address.host}')`;
    console.log(`Lines on ${lines?.host} ${lines?.port}: each is echoed, one that begins with "count " is counted by a task worker. Try:
  node -e "${to(lines)}.end('hello\\ncount one two three\\n').pipe(process.stdout)"
Frames with a 4-byte length on ${frames?.host} ${frames?.port}: each is echoed. Try:
  node -e "${to(frames)}.end('\\0\\0\\0\\x05hello').on('data', console.log)"
Ctrl-C stops everything.`);
  });

  await server.start();
} catch (error) {
  if (!(error instanceof MillraceError)) throw error;
  console.error(`${error.code}: ${error.message}`);
  process.exitCode = 1;
}

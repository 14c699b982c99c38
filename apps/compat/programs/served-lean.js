// node served-lean.js [--max-wait MS] PROGRAM: has a server of @millrace/server serve the first server that the program listens with, by the engine
// that is lean. COMPAT_WORKERS and COMPAT_MODE as ever.
import net from 'node:net';
import { pathToFileURL } from 'node:url';
import { createServer } from '@millrace/server';

const { COMPAT_WORKERS = '2', COMPAT_MODE = 'process', PORT = '0' } = process.env;
const { listen } = net.Server.prototype;
const listening = new Promise((resolve) => {
  net.Server.prototype.listen = function listenLater(...args) {
    const heard = args.findLast((arg) => typeof arg === 'function');
    if (heard !== undefined) this.once('listening', heard);
    net.Server.prototype.listen = listen;
    resolve(this);
    return this;
  };
});

const waits = process.argv[2] === '--max-wait';
const maxWaitTime = waits ? { maxWaitTime: Number(process.argv[3]) } : {};
process.argv.splice(1, waits ? 3 : 1);
// A program may wait for what comes in a worker alone.
const program = import(pathToFileURL(process.argv[1]));
const served = await Promise.race([listening, program.then(() => listening)]);
const server = createServer({
  port: Number(PORT),
  workerNum: Number(COMPAT_WORKERS),
  mode: COMPAT_MODE,
  title: 'millrace',
  logLevel: 'warn',
  ...maxWaitTime,
});
server.serve(served, { engine: 'lean' });
await server.start();

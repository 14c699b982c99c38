// node served-lean.js [--max-wait MS] PROGRAM: has a server of @millrace/server serve the first server that the program listens with, by the engine
// that is lean. COMPAT_WORKERS and COMPAT_MODE as ever.
import net from 'node:net';
import { pathToFileURL } from 'node:url';
import { LeanServer } from '@millrace/http';
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

// By this line the tests know that no other engine, and no other process, has answered them.
const { requested } = LeanServer.prototype;
LeanServer.prototype.requested = function requestedFirst(...args) {
  LeanServer.prototype.requested = requested;
  console.log(`lean has read a request in ${process.title}`);
  requested.apply(this, args);
};

const waits = process.argv[2] === '--max-wait';
const maxWaitTime = waits ? { maxWaitTime: Number(process.argv[3]) } : {};
const { argv } = process;
process.argv = [argv[0], ...argv.slice(waits ? 4 : 2)];
// A program may wait for what comes in a worker alone.
const program = import(pathToFileURL(process.argv[1]));
const served = await Promise.race([listening, program.then(() => listening)]);
// The processes of the server run this file.
process.argv = argv;
const server = createServer({
  port: Number(PORT),
  workerNum: Number(COMPAT_WORKERS),
  mode: COMPAT_MODE,
  title: 'millrace',
  logLevel: 'warn',
  programOutput: 'raw',
  ...maxWaitTime,
});
server.serve(served, { engine: 'lean' });
await server.start();

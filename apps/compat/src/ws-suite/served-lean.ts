/**
 * Runs one file of ws's own tests as run-file.js does, in the worker of a server whose engine is lean: `node served-lean.js DIRECTORY FILE
 * RESULTS`, MODE being that of the server. A program has one server that is served so; the tests begin and end hundreds of them, by node:http
 * and without ours. So what comes to one of theirs is sent on, byte for byte, to the served one, whose connections it then has: they are
 * connections of a listener that is lean, as the tests' clients and servers cannot tell.
 */
import { createServer as createHttpServer, Server as HttpServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { createServer } from '@millrace/server';

const { MODE = 'process' } = process.env;
const served = createHttpServer();
const server = createServer({
  ...{ port: 0, host: '127.0.0.1', workerNum: 1, title: 'millrace', logLevel: 'warn' },
  mode: MODE as 'process' | 'base',
});
server.serve(served, { engine: 'lean' });
server.on('workerStart', async () => {
  takeConnections();
  await import('./run-file.js');
});
await server.start();

type Emit = (this: HttpServer, event: string | symbol, ...args: unknown[]) => boolean;

/** Has servers of node:http hear of connections of the served one in place of those that they accept. */
function takeConnections(): void {
  /** The servers of the tests, by the port that what was sent on comes from. */
  const targets = new Map<number, HttpServer>();
  const emit = HttpServer.prototype.emit as Emit;
  served.emit = (event: string | symbol, ...args: unknown[]): boolean => {
    const socket =
      event === 'connection' ? (args[0] as Socket) : (args[0] as Partial<IncomingMessage>)?.socket;
    const target = targets.get(socket?.remotePort ?? 0);
    if (target === undefined) return emit.call(served, event, ...args);
    if (event === 'connection') Object.assign(args[0] as Socket, { server: target });
    return emit.call(target, event, ...args);
  };
  HttpServer.prototype.emit = function take(this: HttpServer, event: string | symbol, ...args: unknown[]) {
    if (event !== 'connection' || this === served) return emit.call(this, event, ...args);
    sendOn(args[0] as Socket, this);
    return true;
  };

  function sendOn(from: Socket, target: HttpServer): void {
    const { port } = served.address() as AddressInfo;
    const to = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    from.allowHalfOpen = true;
    to.once('connect', () => {
      const own = (to.address() as AddressInfo).port;
      targets.set(own, target);
      to.once('close', () => targets.delete(own));
      for (const [one, other] of [
        [from, to],
        [to, from],
      ] as const) {
        one.pipe(other);
        one.once('close', (failed) => {
          if (failed) other.resetAndDestroy();
          else other.destroySoon();
        });
      }
    });
    for (const each of [from, to]) each.on('error', () => {});
  }
}

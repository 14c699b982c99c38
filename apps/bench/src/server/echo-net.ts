/** Echo of length-prefixed messages on node:net: `node echo-net.js OPTIONS`. Prints its port. */
import cluster from 'node:cluster';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { EchoOptions } from './programs.js';

const LENGTH_BYTES = 4;
const { workers = 0, port = 0 } = JSON.parse(process.argv[2] as string) as EchoOptions;

/** Answers each message by itself, as a handler of messages would, with one write for all that one read brought. */
function serve(socket: Socket): void {
  let held: Buffer | undefined;
  socket.on('data', (data) => {
    const input = held === undefined ? data : Buffer.concat([held, data]);
    let at = 0;
    socket.cork();
    while (input.length - at >= LENGTH_BYTES) {
      const end = at + LENGTH_BYTES + input.readUInt32BE(at);
      if (end > input.length) break;
      socket.write(input.subarray(at, end));
      at = end;
    }
    socket.uncork();
    held = at === input.length ? undefined : input.subarray(at);
  });
  socket.on('error', () => socket.destroy());
}

if (workers > 0 && cluster.isPrimary) {
  for (let i = 0; i < workers; i++) cluster.fork();
  let listening = 0;
  cluster.on('listening', (_worker, { port }) => {
    if (++listening === workers) console.log(port);
  });
} else {
  const server = createServer({ noDelay: true }, serve);
  server.listen({ host: '127.0.0.1', port, backlog: 512 }, () => {
    if (!cluster.isWorker) console.log((server.address() as AddressInfo).port);
  });
}

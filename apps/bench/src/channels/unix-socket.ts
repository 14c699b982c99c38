import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { Packr } from 'msgpackr';
import type { Kind, Mechanism, Message, Side } from './side.js';

const LENGTH_BYTES = 4;
const VARIABLE = 'MILLRACE_BENCH_SOCKET';

/** What one would write over `node:net`: four bytes of length, MessagePack or bytes, writes gathered by cork. */
function sideOf(socket: Socket, kind: Kind): Side {
  const packr = new Packr();
  let listen: (message: Message) => void = () => {};
  let corked = false;
  let rest: Buffer | undefined;
  const uncork = () => {
    corked = false;
    socket.uncork();
  };
  const take = (body: Buffer) => listen(kind === 'bytes' ? body : (packr.unpack(body) as Message));
  socket.on('data', (chunk) => {
    let data = rest === undefined ? chunk : Buffer.concat([rest, chunk]);
    while (data.length >= LENGTH_BYTES) {
      const end = LENGTH_BYTES + data.readUInt32LE();
      if (data.length < end) break;
      take(data.subarray(LENGTH_BYTES, end));
      data = data.subarray(end);
    }
    rest = data.length > 0 ? data : undefined;
  });
  return {
    send(message) {
      const body = message instanceof Uint8Array ? message : packr.pack(message);
      const head = Buffer.allocUnsafe(LENGTH_BYTES);
      head.writeUInt32LE(body.length);
      if (!corked) {
        corked = true;
        socket.cork();
        process.nextTick(uncork);
      }
      socket.write(head);
      return socket.write(body);
    },
    async drained() {
      if (socket.writableNeedDrain) await once(socket, 'drain');
    },
    onMessage(listener) {
      listen = listener;
    },
    close: () => socket.destroy(),
  };
}

export const unixSocket: Mechanism = {
  async start(peer, args, { kind }) {
    const path = `\0millrace-bench-${process.pid}`;
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(path, resolve));
    const connected = once(server, 'connection');
    spawn(process.execPath, [fileURLToPath(peer), ...args], {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, [VARIABLE]: path.slice(1) },
    });
    const [socket] = (await connected) as [Socket];
    server.close();
    return sideOf(socket, kind);
  },
  async open({ kind }) {
    const socket = connect(`\0${process.env[VARIABLE]}`);
    await once(socket, 'connect');
    return sideOf(socket, kind);
  },
};

/**
 * What `npm start` runs by `millrace start`: two servers of `node:net` that know nothing of it. Lines on one port are echoed, and one that begins
 * with `count ` is answered with the number of its words, counted by a task process; frames with a 4-byte length on the other are echoed.
 */
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { TaskPool } from '@millrace/task-pool';

const { LINE_PORT = '9501', FRAME_PORT = '9502', HOST = '127.0.0.1' } = process.env;
const COUNT = 'count ';
const LENGTH_BYTES = 4;
const MOST_BYTES = 1 << 20;

const pool = new TaskPool<typeof import('./tasks.js')>(new URL('./tasks.js', import.meta.url), { size: 1 });
process.once('SIGTERM', () => void pool.close());

/** One answer after the other, so that a client gets them in the order of its lines. */
async function answerLines(socket: Socket): Promise<void> {
  for await (const line of createInterface({ input: socket, crlfDelay: Number.POSITIVE_INFINITY }))
    socket.write(`${line.startsWith(COUNT) ? await pool.run('count', line.slice(COUNT.length)) : line}\n`);
}

async function echoFrames(socket: Socket): Promise<void> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const bytes of socket as AsyncIterable<Buffer>) {
    rest = Buffer.concat([rest, bytes]);
    while (rest.length >= LENGTH_BYTES) {
      const length = LENGTH_BYTES + rest.readUInt32BE(0);
      if (length > MOST_BYTES) throw new Error(`a frame of ${length} bytes`);
      if (rest.length < length) break;
      socket.write(rest.subarray(0, length));
      rest = rest.subarray(length);
    }
  }
}

/** A client that has ended its sending is still answered. */
const serve = (answer: (socket: Socket) => Promise<void>) =>
  createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    answer(socket).then(
      () => socket.end(),
      () => socket.destroy(),
    );
  });

const lines = serve(answerLines);
const frames = serve(echoFrames);
lines.listen(Number(LINE_PORT), HOST, () => tell('lines', lines.address()));
frames.listen(Number(FRAME_PORT), HOST, () => tell('frames', frames.address()));

function tell(what: string, address: AddressInfo | string | null): void {
  console.log(`${what} ${JSON.stringify(address)}`);
}

import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { TestClient, until, within } from '@millrace/testkit';
import { describe, expect, test } from 'vitest';
import { clientOf, pidOf, startServer } from '../support.js';

const MIB = 1 << 20;
const FULL = process.env.MILLRACE_STRESS === '1';

/** Bytes of memory that a process has, shared pages included. */
function residentBytes(pid: number): number {
  const [, kib] = readFileSync(`/proc/${pid}/status`, 'utf8').match(
    /^VmRSS:\s+(\d+) kB/m,
  ) as RegExpMatchArray;
  return Number(kib) * 1024;
}

test.each([
  ['', ''],
  [', and has sent more than was read', 'and more\n'.repeat(200_000)],
])(
  'G37 what is sent before a close reaches a client that reads late%s, every byte, and then the end',
  async (_, more) => {
    await using server = await startServer({ workerNum: 1, reactorNum: 1, taskWorkerNum: 0 }, {}, 'sessions');
    const size = 2 * MIB + 2;
    const socket = connect({ port: server.lines, host: '127.0.0.1' });
    await within('the connection', new Promise((resolve) => socket.once('connect', resolve)));
    socket.pause();
    socket.write(`last ${size}\n${more}`);
    const other = await TestClient.connect(server.lines);
    // The first has been sent and closed by the time that this is answered, and it reads only now.
    expect(await other.ask('hello')).toBe('hello');
    const received = await readToEnd(socket);
    expect(received.equals(Buffer.alloc(size, 'l'))).toBe(true);
    other.close();
  },
);

describe('a client that does not read', () => {
  const options = {
    workerNum: 1,
    maxWorkerNum: 1,
    reactorNum: 1,
    socketBufferSize: 2 * MIB,
    lingerTime: 1_000,
  };
  const BLOCK = 64 << 10;

  test('makes send return false, fires bufferFull and bufferEmpty, and gets everything once it reads', async () => {
    await using server = await startServer(options, {}, 'sessions');
    const client = await TestClient.connect(server.lines);
    const other = await TestClient.connect(server.lines);
    const before = residentBytes(server.program.pid);
    client.socket.pause();
    client.send('flood 1 400 patient\n');
    await server.program.printed(/event bufferFull 1 at 0/);
    for (let i = 0; i < 50; i++) expect(await other.ask(`others ${i}`)).toBe(`others ${i}`);
    expect(JSON.parse(await other.ask('info 1')).sendQueuedBytes).toBeLessThanOrEqual(2 * MIB);
    expect(residentBytes(server.program.pid) - before).toBeLessThan(32 * MIB);
    client.finish();
    const received = (await readToEnd(client.socket)).toString('latin1');
    expect(received.slice(0, 400 * BLOCK) === 'f'.repeat(400 * BLOCK)).toBe(true);
    expect(Number(received.slice(400 * BLOCK).match(/^"full (\d+)"\n$/)?.[1])).toBeGreaterThan(0);
    await server.program.printed(/event bufferEmpty 1 at 0/);
    client.close();
    other.close();
  });

  test('and a sender that goes on all the same: the sender is told by an error, and nothing is lost before it', async () => {
    await using server = await startServer(options, {}, 'sessions');
    const client = await TestClient.connect(server.lines);
    const other = await TestClient.connect(server.lines);
    client.socket.pause();
    const answer = JSON.parse(await other.ask('flood 1 400'));
    expect(answer).toMatchObject({
      code: 'ERR_MILLRACE_SESSION_FULL',
      message: expect.stringMatching(/socketBufferSize is 2097152\. Wait for drained\(\)/),
    });
    expect(JSON.parse(await other.ask('@flood 1 400'))).toMatchObject({ code: 'ERR_MILLRACE_SESSION_FULL' });
    expect(JSON.parse(await other.ask('info 1'))).not.toHaveProperty('closeReason');
    // What was taken arrives, and whole.
    client.finish();
    const received = (await readToEnd(client.socket)).toString('latin1');
    expect(received.length).toBeGreaterThan(2 * MIB);
    expect(received === 'f'.repeat(Math.ceil(received.length / BLOCK) * BLOCK)).toBe(true);
    client.close();
    other.close();
  });

  test('is cut off when its connection is closed and it takes nothing of its last bytes', async () => {
    await using server = await startServer(options, {}, 'sessions');
    const client = await TestClient.connect(server.lines);
    const other = await TestClient.connect(server.lines);
    client.socket.pause();
    await other.ask('flood 1 400');
    expect(await other.ask('close 1')).toBe('true');
    expect(await other.ask('exists 1')).toBe('false');
    await server.program.printed(/event close 1 at 0 true server/);
    client.close();
    other.close();
  });
});

test(`a sleeping worker slows its client down by TCP: ${FULL ? 300 : 64} MB cost the master no memory, and all is answered`, async () => {
  const total = (FULL ? 300 : 64) * 1_000_000;
  const LINE = 10_000;
  await using server = await startServer({ workerNum: 2, reactorNum: 1, taskWorkerNum: 0 }, {}, 'echo');
  const victim = await TestClient.connect(server.lines);
  const [pid, id] = (await victim.ask('pid')).split(' ').map(Number);
  const neighbour = await clientOf(server.lines, 1 - (id as number));
  const before = residentBytes(server.program.pid);
  process.kill(pid as number, 'SIGSTOP');
  const line = Buffer.alloc(LINE, 'x');
  line[LINE - 1] = '\n'.charCodeAt(0);
  const pushing = push(victim.socket, line, total / LINE);
  // The client is stuck: what it has written does not grow any more, while the others are answered.
  await until('the client to be held up', async () => {
    const sent = victim.socket.bytesWritten - victim.socket.writableLength;
    for (let i = 0; i < 100; i++) await neighbour.ask('still here');
    return victim.socket.bytesWritten - victim.socket.writableLength === sent && sent > MIB;
  });
  expect(victim.socket.bytesWritten - victim.socket.writableLength).toBeLessThan(total / 2);
  const grown = residentBytes(server.program.pid) - before;
  expect(grown).toBeLessThan(32 * MIB);
  console.log(`memory of the master: ${(grown / MIB).toFixed(1)} MiB more, ${total / 1e6} MB to come`);
  process.kill(pid as number, 'SIGCONT');
  expect(pidOf(server, `millrace: worker ${id}`)).toBe(pid);
  expect(await pushing).toBe(total);
  for (const client of [victim, neighbour]) client.close();
});

/** Reads, now and until the other side has ended its sending. */
async function readToEnd(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.removeAllListeners('data');
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  const end = new Promise((resolve) => socket.once('end', resolve));
  socket.resume();
  await within('the end', end, 60_000);
  return Buffer.concat(chunks);
}

/** Sends `line` so often, as the socket takes it, and returns how many bytes came back; each is compared. */
async function push(socket: Socket, line: Buffer, count: number): Promise<number> {
  let received = 0;
  let wrong = 0;
  socket.removeAllListeners('data');
  const done = new Promise<void>((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      for (let i = 0; i < chunk.length; i += 997)
        if (chunk[i] !== line[(received + i) % line.length]) wrong++;
      received += chunk.length;
      if (received >= count * line.length) resolve();
    });
  });
  for (let i = 0; i < count; i++)
    if (!socket.write(line)) await new Promise((resolve) => socket.once('drain', resolve));
  await within('every answer', done, 120_000);
  expect(wrong).toBe(0);
  return received;
}

import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { until, within } from '@millrace/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { writeLate } from '../../src/programs/late-writes.js';

async function listen(server: Server): Promise<number> {
  writeLate(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

/** Connections of a server, and the clients at their other ends. */
async function connected(count: number): Promise<{ readonly sockets: Socket[]; readonly clients: Socket[] }> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => void sockets.push(socket));
  const port = await listen(server);
  const clients: Socket[] = [];
  for (let i = 0; i < count; i++) {
    const accepted = once(server, 'connection');
    clients.push(connect(port, '127.0.0.1').on('error', () => {}));
    await within('a connection', accepted);
  }
  onTestFinished(() => {
    for (const socket of [...sockets, ...clients]) socket.destroy();
  });
  return { sockets, clients };
}

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

/** All that comes until the end. */
async function everythingOf(client: Socket): Promise<string> {
  let text = '';
  client.setEncoding('latin1').on('data', (part: string) => {
    text += part;
  });
  await within('the end of a connection', once(client, 'close'));
  return text;
}

/** Keeps the loop for `ms` milliseconds. */
function compute(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end; );
}

test('what several connections are answered in one turn leaves at its end, and counts as written at once', async () => {
  const { sockets, clients } = await connected(3);
  for (const socket of sockets) socket.write('answer');
  expect(sockets.map(({ writableLength }) => writableLength)).toEqual([6, 6, 6]);
  expect(sockets.map(({ bytesWritten }) => bytesWritten)).toEqual([6, 6, 6]);
  await nextTurn();
  expect(sockets.map(({ writableLength }) => writableLength)).toEqual([0, 0, 0]);
  for (const socket of sockets) socket.end(' and more');
  for (const client of clients) expect(await everythingOf(client)).toBe('answer and more');
});

test('answers that take long do not wait for each other: for seven at most, and from the next turn on for none', async () => {
  const { sockets } = await connected(10);
  const waiting = () => sockets.filter(({ writableLength }) => writableLength > 0).length;
  const turn = () =>
    sockets.map((socket) => {
      compute(1);
      socket.write('slow');
      return waiting();
    });
  /** Answers all in one turn without computing; returns how many of them wait for its end. */
  const quickly = async () => {
    for (const socket of sockets) socket.write('quick');
    const count = waiting();
    await nextTurn();
    return count;
  };
  await until('that quick answers wait', async () => (await quickly()) === 10);
  expect(turn()).toEqual([1, 2, 3, 4, 5, 6, 7, 0, 0, 0]);
  await nextTurn();
  expect(turn()).toEqual(Array(10).fill(0));
  await nextTurn();
  await until('that quick answers wait again', async () => (await quickly()) === 10);
});

test('of the answers of a turn no more than 32 wait for its end, however many there are', async () => {
  const { sockets } = await connected(70);
  /** How many wait after each of the answers of one turn. */
  const turn = async () => {
    const waiting = sockets.map((socket) => {
      socket.write('answer');
      return sockets.filter(({ writableLength }) => writableLength > 0).length;
    });
    await nextTurn();
    expect(Math.max(...waiting)).toBeLessThan(32);
    expect(sockets.every(({ writableLength }) => writableLength === 0)).toBe(true);
    return waiting;
  };
  const expected = sockets.map((_, at) => (at + 1) % 32);
  // Where the machine stands still meanwhile, answers are taken for slow ones, and do not wait.
  await until('that quick answers wait', async () => (await turn()).join() === expected.join());
});

test('a connection that is destroyed behind its answer has sent that, and what others were answered', async () => {
  const { sockets, clients } = await connected(3);
  const [first, second, third] = sockets as [Socket, Socket, Socket];
  const texts = clients.map(everythingOf);
  first.write('first', () => third.destroy());
  second.write('second');
  third.write('third');
  second.destroy();
  first.end();
  expect(await Promise.all(texts)).toEqual(['first', 'second', 'third']);
});

test('requests that come in a row over several connections are all answered, in their order', async () => {
  const server = createHttpServer((request, response) => void response.end(request.url));
  const port = await listen(server);
  const numbers = Array.from({ length: 100 }, (_none, number) => number);
  const ask = async () => {
    const client = connect(port, '127.0.0.1');
    const last = 'GET /last HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n';
    client.write(numbers.map((number) => `GET /${number} HTTP/1.1\r\nHost: here\r\n\r\n`).join('') + last);
    const text = await everythingOf(client);
    return [...text.matchAll(/\r\n\r\n(\/(?:\d+|last))/g)].map(([, body]) => body);
  };
  const answers = await Promise.all([ask(), ask(), ask()]);
  for (const bodies of answers) expect(bodies).toEqual([...numbers.map((number) => `/${number}`), '/last']);
});

test('a connection that was upgraded sends at once, so that what it has not written says how far behind its client is', async () => {
  const server = createHttpServer();
  const upgraded = once(server, 'upgrade');
  const port = await listen(server);
  const client = connect(port, '127.0.0.1').on('error', () => {});
  onTestFinished(() => void client.destroy());
  client.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
  let lengths: number[] = [];
  server.once('upgrade', (_, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n');
    socket.write('first');
    lengths = [socket.writableLength];
    setImmediate(() => {
      socket.write('later');
      lengths.push(socket.writableLength);
      socket.end();
    });
  });
  await within('the upgrade', upgraded);
  expect(await everythingOf(client)).toMatch(/firstlater$/);
  expect(lengths).toEqual([0, 0]);
});

import { STATUS_CODES } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import { RequestReader } from '../src/head/request-reader.js';
import { Comparison } from './fuzz/compare.js';

const LINES = [
  'GET / HTTP/1.1',
  'GET /a/b?c=d HTTP/1.1',
  'POST /a/b?c=e HTTP/1.1',
  `GET /${'a'.repeat(600)} HTTP/1.1`,
];
const BLOCKS = [
  'Host: a',
  'Host: b\r\nX-A: b',
  `Host: a\r\nConnection: keep-alive\r\nCookie: ${'c'.repeat(500)}`,
];
const REQUESTS = LINES.flatMap((line) => BLOCKS.map((block) => `${line}\r\n${block}\r\n\r\n`));

/** What `find` says of `bytes`, where it says anything, and what `read` does. */
function both(reader: RequestReader, bytes: Buffer) {
  const memory = Buffer.concat([Buffer.from('xyz'), bytes, Buffer.from('GET')]);
  const found = reader.find(memory, 3, 3 + bytes.length);
  const known = found && {
    method: found.method,
    target: found.target,
    block: found.head.block,
    end: bytes.length,
  };
  const reading = new RequestReader(16_384).read(bytes, 0);
  if (typeof reading === 'string') return { known, read: undefined };
  const { method, target, head, end } = reading;
  return { known, read: { method, target, block: head.block, end } };
}

/** A reader that has had all of them, so often that they are known. */
function reader() {
  const made = new RequestReader(16_384);
  for (let i = 0; i < 20; i++) for (const text of REQUESTS) made.read(Buffer.from(text), 0);
  return made;
}

test('a request that is known says what it says when it is read', () => {
  const made = reader();
  let count = 0;
  for (const text of REQUESTS) {
    const { known, read } = both(made, Buffer.from(text));
    if (known === undefined) continue;
    count++;
    expect(known).toEqual(read);
  }
  // Those with the long line are not kept, and of others one may have the place of another.
  expect(count).toBeGreaterThanOrEqual(3);
});

test('a request that differs from a known one in any byte, or in its length, is that one no more', () => {
  const made = reader();
  for (const text of REQUESTS.filter((each) => each.length < 200)) {
    for (let at = 0; at < text.length; at++)
      for (const byte of [0, 13, 10, 32, 58, 65, 97, 255]) {
        const bytes = Buffer.from(text);
        bytes[at] = byte;
        const { known, read } = both(made, bytes);
        if (known !== undefined) expect(known).toEqual(read);
      }
    for (let end = 0; end < text.length; end++)
      expect(both(made, Buffer.from(text.slice(0, end))).known).toBeUndefined();
    expect(both(made, Buffer.from(text + text)).known).toBeUndefined();
  }
});

test('answers with the head of one before have what is their own: status, fields, length and body', async () => {
  const bodies = [
    '',
    'a',
    'a'.repeat(9),
    'a'.repeat(10),
    'é',
    'a'.repeat(99),
    'a'.repeat(100),
    'é'.repeat(70),
  ];
  const all = [
    ...bodies,
    'a'.repeat(1_000),
    'a'.repeat(20_000),
    Buffer.from('é'),
    new Uint8Array(300),
    undefined,
  ];
  const fields = [{}, { 'X-A': 'a' }, { 'X-A': 'b' }, { 'X-B': 'a' }, { 'x-a': 'a' }, { 'X-A': 'é' }];
  let at = { node: 0, lean: 0 };
  const comparison = new Comparison((request, response) => {
    const number = at[request.constructor.name === 'LeanRequest' ? 'lean' : 'node']++;
    const body = all[number % all.length];
    if (number % 7 === 3) response.statusCode = 404;
    if (number % 11 === 5) response.sendDate = false;
    for (const [name, value] of Object.entries(fields[Math.floor(number / all.length) % fields.length] ?? {}))
      response.setHeader(name, value);
    if (number % 5 === 2 && typeof body === 'string')
      response.setHeader('Content-Length', Buffer.byteLength(body));
    if (number % 13 === 1) response.writeHead(201, { 'X-C': 'c' });
    response.end(body);
  });
  const request = Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  for (let round = 0; round < 3; round++) {
    at = { node: 0, lean: 0 };
    expect(await comparison.difference(new Array(150).fill(request))).toBeUndefined();
  }
  expect(at.lean).toBe(150);
});

test('a request that is too long to be known takes the place of none', () => {
  const made = new RequestReader(16_384);
  const known = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
  made.read(Buffer.from(known), 0);
  made.read(Buffer.from(`GET /${'a'.repeat(600)} HTTP/1.1\r\nHost: b\r\n\r\n`), 0);
  expect(both(made, Buffer.from(known)).known).toMatchObject({ block: '\r\nHost: a' });
});

test('a reason that the program changes is in the answers from then on', async () => {
  onTestFinished(() => {
    STATUS_CODES[200] = 'OK';
  });
  const comparison = new Comparison((request, response) => {
    STATUS_CODES[200] = request.url?.slice(1);
    response.end('hello');
  });
  for (const reason of ['OK', 'OK', 'Fine', 'Fine', 'OK'])
    expect(
      await comparison.difference([Buffer.from(`GET /${reason} HTTP/1.1\r\nHost: a\r\n\r\n`)]),
    ).toBeUndefined();
});

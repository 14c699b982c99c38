import { METHODS as METHODS_OF_NODE } from 'node:http';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MAX_KEPT_HEAD, RequestCutter } from '../../../src/reactor/http/request-cutter.js';
import { METHODS } from '../../../src/reactor/http/request-head.js';
import { CORPUS, Cutting, endsOfNode, LAST, ODD, UPGRADES } from './cutting.js';

const cut = (text: string) => new Cutting().feed(text);
const one = (text: string) => [{ text, ended: true }];

describe('a request is cut where it ends', () => {
  test.each([...CORPUS, ...LAST, ...UPGRADES])('%j', (text) => {
    expect(cut(text).requests).toEqual(one(text));
    expect(endsOfNode(Buffer.from(text, 'latin1'))).toEqual([text.length]);
  });

  test('in whatever two parts it comes, its head being kept until it is whole', () => {
    for (const text of [...CORPUS, ...LAST, ...UPGRADES])
      for (let at = 0; at <= text.length; at++) {
        const cutting = cut(text.slice(0, at));
        const head = text.indexOf('\r\n\r\n') + 4;
        expect([text, at, cutting.kept]).toEqual([text, at, at < head ? at : 0]);
        expect(cutting.feed(text.slice(at)).requests).toEqual(one(text));
      }
  });

  test('byte by byte, and behind others', () => {
    const all = [...CORPUS, ...CORPUS, LAST[0] as string];
    const cutting = new Cutting();
    for (const byte of all.join('')) cutting.feed(byte);
    expect(cutting.requests).toEqual(all.map((text) => ({ text, ended: true })));
    expect(cut(all.join('')).requests).toEqual(cutting.requests);
  });

  test('with the method, for each that every Node knows, and no other', () => {
    expect([...METHODS].sort()).toEqual(
      METHODS_OF_NODE.filter((name) => (METHODS as readonly string[]).includes(name)),
    );
    for (const method of METHODS) {
      const target = method === 'CONNECT' ? 'a:1' : '/';
      const text = `${method} ${target} HTTP/1.1\r\nHost: a\r\n\r\n`;
      expect(cut(text).requests).toEqual(one(text));
    }
  });

  test('and numbered, HEAD being told from the others', () => {
    const cutting = cut(`${CORPUS[0]}${CORPUS[1]}${CORPUS[5]}`);
    expect(cutting.pieces.map(({ request }) => request)).toEqual([1, 2, 3]);
    expect([1, 2, 3].map((request) => cutting.cutter.isHead(request))).toEqual([false, true, false]);
  });
});

test('fields that have come before are read as they were, whatever line they stand behind', () => {
  const fields = [
    '',
    'Connection: keep-alive\r\n',
    'Connection: close\r\n',
    'Upgrade: a\r\nConnection: upgrade\r\n',
  ];
  const lines = ['GET / HTTP/1.1', 'HEAD /?a HTTP/1.1', 'GET / HTTP/1.0', 'CONNECT a:1 HTTP/1.1'];
  for (const field of fields) {
    const block = `\r\nHost: a\r\nCookie: ${'b'.repeat(30)}\r\n${field}\r\n`;
    // So often that they are known.
    for (let i = 0; i < 20; i++) cut(`${lines[0]}${block}`);
    for (const line of lines) {
      const text = `${line}${block}`;
      const behind = CORPUS[0] as string;
      const slowly = new Cutting();
      for (const byte of text) slowly.feed(byte);
      const quickly = cut(text);
      expect([text, quickly.requests]).toEqual([text, slowly.requests]);
      expect(quickly.cutter.isHead(1)).toBe(slowly.cutter.isHead(1));
      expect(quickly.cutter.hasQuery).toBe(slowly.cutter.hasQuery);
      expect(quickly.feed(behind).requests).toEqual(slowly.feed(behind).requests);
      // One byte is another one, or is not there.
      const others = [text.replace('bbb\r', 'bb\0\r'), text.replace('\r\n\r\n', '\r\n\n'), text.slice(0, -1)];
      for (const other of others) {
        const bytes = new Cutting();
        for (const byte of other) bytes.feed(byte);
        expect([other, cut(other).requests]).toEqual([other, bytes.requests]);
      }
    }
  }
});

describe('a body comes in pieces, as it is read', () => {
  test('of a length', () => {
    const cutting = cut('POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\n')
      .feed('01234')
      .feed('567')
      .feed('89GET /');
    expect(cutting.pieces.map(({ text, begins, ends }) => [text.slice(-5), begins, ends])).toEqual([
      ['\r\n\r\n'.padStart(5, '0'), true, false],
      ['01234', false, false],
      ['567', false, false],
      ['89', false, true],
    ]);
    expect(cutting.kept).toBe(5);
  });
});

test('what is odd goes on uncut, with all that follows: one request that has no end', () => {
  for (const [name, text] of ODD) {
    for (let at = 0; at <= text.length; at += 1) {
      const cutting = cut(CORPUS[0] as string)
        .feed(text.slice(0, at))
        .feed(text.slice(at))
        .feed(CORPUS[5] as string);
      expect([name, at, cutting.requests]).toEqual([
        name,
        at,
        [...one(CORPUS[0] as string), { text: text + CORPUS[5], ended: false }],
      ]);
      expect(cutting.cutter.isOpaque).toBe(true);
    }
  }
});

test('empty lines before a request are for no worker', () => {
  const cutting = cut(`\r\n${CORPUS[0]}\r`).feed('\n').feed(`\r\n${CORPUS[5]}`);
  expect(cutting.requests).toEqual([...one(CORPUS[0] as string), ...one(CORPUS[5] as string)]);
  expect(cutting.pieces.filter(({ skipped }) => skipped).map(({ text }) => text)).toEqual([
    '\r\n',
    '\r\n',
    '\r\n',
  ]);
  cutting.feed('\r');
  expect(cutting.cutter.keepsHead).toBe(false);
});

test('behind the last request of a connection nothing is cut, but empty lines', () => {
  for (const last of LAST) {
    const cutting = cut(`${last}\r\n`).feed(CORPUS[0] as string);
    expect(cutting.requests).toEqual([...one(last), { text: CORPUS[0], ended: false }]);
  }
});

test('a head that is not waited for goes as far as it has come, and is cut on', () => {
  const text = CORPUS[5] as string;
  for (let at = 1; at < text.length; at++) {
    const cutting = cut(text.slice(0, at)).hurry();
    expect(cutting.text).toBe(text.slice(0, at));
    expect(cutting.cutter.keepsHead).toBe(false);
    const all = [...one(text), ...one(text)];
    expect(cutting.feed(text.slice(at)).feed(text).requests).toEqual(all);
    expect(cutting.kept).toBe(0);
  }
  // The next one waits again.
  expect(cut(text.slice(0, 9)).hurry().feed(text.slice(9)).feed('GET').kept).toBe(3);
});

test('a head that is longer than any is kept no more, and is cut on', () => {
  const long = `GET / HTTP/1.1\r\nX: ${'x'.repeat(2 * MAX_KEPT_HEAD)}\r\n\r\n`;
  const cutting = cut(long.slice(0, MAX_KEPT_HEAD - 1));
  expect(cutting.kept).toBe(MAX_KEPT_HEAD - 1);
  cutting.feed('x');
  expect(cutting.kept).toBe(0);
  cutting.feed(long.slice(MAX_KEPT_HEAD)).feed(CORPUS[0] as string);
  expect(cutting.requests).toEqual([...one(long), ...one(CORPUS[0] as string)]);
});

describe('a request that may change the protocol holds what follows', () => {
  test.each(UPGRADES)('until its answer has ended: %j', (text) => {
    const cutting = cut(text);
    expect(cutting.cutter.holds).toBe(true);
    cutting.feed(CORPUS[0] as string);
    expect(cutting.requests).toEqual(one(text));
    cutting.cutter.release();
    expect(cutting.recut().requests).toEqual([...one(text), ...one(CORPUS[0] as string)]);
  });

  test.each(UPGRADES)('or has changed it: %j', (text) => {
    const cutting = cut(text).feed(CORPUS[0] as string);
    cutting.cutter.goRaw();
    cutting.recut().feed(CORPUS[1] as string);
    expect(
      cutting.pieces.slice(1).map(({ text, request, begins, ends }) => [text, request, begins, ends]),
    ).toEqual([
      [CORPUS[0], 1, false, false],
      [CORPUS[1], 1, false, false],
    ]);
  });
});

test.each(UPGRADES)(
  'what comes at once with a request that may change the protocol goes with it: %j',
  (text) => {
    const cutting = cut(text + CORPUS[0]).feed(CORPUS[1] as string);
    expect(cutting.cutter.isOpaque).toBe(true);
    expect(cutting.requests).toEqual([{ text: text + CORPUS[0] + CORPUS[1], ended: false }]);
    expect(cutting.pieces.length).toBe(2);
  },
);

test('what is no HTTP is one request from the first byte on', () => {
  const cutting = new Cutting(new RequestCutter({ opaque: true })).feed('hello').feed(CORPUS[0] as string);
  expect(cutting.requests).toEqual([{ text: `hello${CORPUS[0]}`, ended: false }]);
});

test('whatever comes, in whatever parts: the pieces are what has come, and the parts change nothing but pieces', () => {
  const texts = [...CORPUS, ...LAST, ...ODD.map(([, text]) => text), '\r\n', 'x', '\n', ' '];
  const part = fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom(...texts) },
    { weight: 1, arbitrary: fc.string() },
  );
  fc.assert(
    fc.property(
      fc.array(part, { maxLength: 6 }),
      fc.array(fc.nat(80), { maxLength: 20 }),
      (parts, lengths) => {
        const text = Buffer.from(parts.join(''), 'latin1').toString('latin1');
        const whole = cut(text);
        const cutting = new Cutting();
        let at = 0;
        for (const length of [...lengths, text.length]) {
          cutting.feed(text.slice(at, at + length));
          at += length;
        }
        expect(cutting.text + text.slice(text.length - cutting.kept)).toBe(text);
        expect(cutting.ends).toEqual(whole.ends);
        expect(cutting.requests).toEqual(whole.requests);
      },
    ),
    { numRuns: 2_000 },
  );
});

import { expect, test } from 'vitest';
import { CORPUS, Cutting, endsOfNode, LAST, NodeParser, ODD } from './cutting.js';

/** Streams of requests; all of them with MILLRACE_STRESS. */
const INPUTS = process.env.MILLRACE_STRESS ? 1_000_000 : 30_000;

/** A generator of numbers that are the same in every run (xorshift32). */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** What a mutation puts somewhere. */
const WORDS = [
  ...[
    '\r\n',
    '\n',
    '\r',
    ' ',
    '\t',
    '\0',
    ':',
    ';',
    '=',
    ',',
    '"',
    '0',
    '1',
    'a',
    '\x7f',
    '\x80',
    '\r\n\r\n',
    '\r\n ',
  ],
  ...['Content-Length: 5\r\n', 'Content-Length:\t5\r\n', 'content-length : 1\r\n', 'Content-Length: 1 1\r\n'],
  ...[
    'Transfer-Encoding: chunked\r\n',
    'Transfer-Encoding: chunked, identity\r\n',
    'Transfer-Encoding: xchunked\r\n',
  ],
  ...[
    'Connection: close\r\n',
    'Connection: upgrade\r\n',
    'Upgrade: x\r\n',
    'Proxy-Connection: close\r\n',
    'Connection: \r\n',
  ],
  ...[
    '0\r\n\r\n',
    '1;a=b\r\n',
    '1;a="b;\\"c"\r\n',
    'f\r\n',
    'HTTP/1.0',
    'HTTP/1.1',
    'GET ',
    'CONNECT a:1 ',
    'POST / HTTP/1.1\r\n',
  ],
  ...[
    'http://',
    '*',
    '#',
    '?',
    '[::1]',
    '@',
    'X: y\r\n',
    'Expect: 100-continue\r\n',
    'Connection: close, keep-alive\r\n',
  ],
];
const MANY = [CORPUS, CORPUS, CORPUS, CORPUS, CORPUS].flat();
const WHOLE = [...MANY, ...LAST, ...ODD.map(([, text]) => text).filter((text) => text.length < 200)];

function mutated(next: (below: number) => number): string {
  const pick = <T>(list: readonly T[]) => list[next(list.length)] as T;
  let text = Array.from({ length: 1 + next(3) }, () => pick(WHOLE)).join('');
  for (let left = next(4); left > 0; left--) {
    const at = next(text.length + 1);
    switch (next(5)) {
      case 0:
        text = text.slice(0, at) + String.fromCharCode(next(256)) + text.slice(at + 1);
        break;
      case 1:
        text = text.slice(0, at) + text.slice(at + 1 + next(8));
        break;
      case 2:
        text = text.slice(0, at) + text.slice(Math.max(0, at - next(20)));
        break;
      default:
        text = text.slice(0, at) + pick(WORDS) + text.slice(at);
    }
  }
  return text;
}

/**
 * Whether Node's parser finds an end with the last byte of each request that was cut, and with no byte before it. Behind an odd
 * byte, or an upgrade, the cutter says nothing of what is there.
 */
function agrees(cutting: Cutting, bytes: Buffer): boolean {
  const parser = new NodeParser();
  let at = 0;
  for (const [index, end] of cutting.ends.entries()) {
    if (parser.feed(bytes.subarray(at, end - 1)).ends !== index) return false;
    if (parser.feed(bytes.subarray(end - 1, end)).ends !== index + 1) return false;
    at = end;
  }
  if (cutting.cutter.isOpaque || cutting.cutter.holds) return true;
  return parser.feed(bytes.subarray(at)).ends === cutting.ends.length;
}

test('where a request is cut, Node parses its end and no other, whatever comes', { timeout: 600_000 }, () => {
  const next = numbers(0x9e3779b9);
  let ends = 0;
  let opaque = 0;
  for (let input = 0; input < INPUTS; input++) {
    const text = mutated(next);
    const bytes = Buffer.from(text, 'latin1');
    const cutting = new Cutting().feed(bytes);
    ends += cutting.ends.length;
    opaque += Number(cutting.cutter.isOpaque);
    if (!agrees(cutting, bytes)) expect([text, cutting.ends]).toEqual([text, endsOfNode(bytes)]);
  }
  // Both are often: it is no test of what is odd alone.
  expect(ends).toBeGreaterThan(INPUTS / 4);
  expect(opaque).toBeGreaterThan(INPUTS / 10);
});

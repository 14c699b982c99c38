import { type Question, question } from './asking.js';

/** What a body holds that must never be read as a request; its answer has no id, and the program prints it. */
export const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n';

/** Requests that are sent as one piece, and are to be answered in that order. */
export interface ByteCase {
  /** Completes "killed at a byte of ...". */
  readonly says: string;
  readonly questions: readonly Question[];
}

const BODY = Buffer.from(SMUGGLED);

/** A POST as it stands, whose answer has this id and the smuggled request as its body. */
const asked = (id: string, lines: readonly string[], body: string, version = '1.1'): Question => {
  const head = [`POST /echo HTTP/${version}`, 'Host: localhost', `X-Id: ${id}`, ...lines];
  return { id, body: BODY, bytes: Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`, 'latin1') };
};

const length = `Content-Length: ${BODY.length}`;
const chunked = (trailers = ''): string =>
  `${BODY.length.toString(16)};x=y\r\n${SMUGGLED}\r\n0\r\n${trailers}\r\n`;
const inChunks = (size: number): string => {
  const parts = [];
  for (let at = 0; at < SMUGGLED.length; at += size) {
    const part = SMUGGLED.slice(at, at + size);
    parts.push(`${part.length.toString(16)}\r\n${part}\r\n`);
  }
  return `${parts.join('')}0\r\n\r\n`;
};

/** Every way in which a body can come that looks like a request. */
export const BYTE_CASES: readonly ByteCase[] = [
  { says: 'a body of a known length', questions: [asked('length', [length], SMUGGLED)] },
  {
    says: 'a body in one chunk',
    questions: [asked('chunk', ['Transfer-Encoding: chunked'], chunked())],
  },
  {
    says: 'a body in chunks of 5 bytes',
    questions: [asked('chunks', ['Transfer-Encoding: chunked'], inChunks(5))],
  },
  {
    says: 'a body with a trailer',
    questions: [
      asked(
        'trailer',
        ['Transfer-Encoding: chunked', 'Trailer: X-Sum'],
        chunked('X-Sum: GET /smuggled HTTP/1.1\r\nHost: a\r\n'),
      ),
    ],
  },
  {
    says: 'three requests in one piece',
    questions: [
      asked('first', [length], SMUGGLED),
      asked('second', ['Transfer-Encoding: chunked'], chunked()),
      question('third', Buffer.from('the last')),
    ],
  },
  {
    says: 'two requests in one piece, the first of which takes long',
    questions: [asked('slow', [length, 'X-Delay: 50'], SMUGGLED), asked('quick', [length], SMUGGLED)],
  },
  {
    says: 'a request that expects 100-continue',
    questions: [asked('expects', [length, 'Expect: 100-continue'], SMUGGLED)],
  },
  {
    says: 'a request that closes the connection',
    questions: [asked('closes', [length, 'Connection: close'], SMUGGLED)],
  },
  {
    says: 'a request of HTTP/1.0',
    questions: [asked('old', [length], SMUGGLED, '1.0')],
  },
  {
    says: 'a request of HTTP/1.0 that keeps the connection',
    questions: [asked('old-kept', [length, 'Connection: keep-alive'], SMUGGLED, '1.0')],
  },
];

import { createRequire } from 'node:module';
import { FrameInput } from '@millrace/reactor/internal';
import { PIECE_BEGINS, PIECE_ENDS } from '../../../src/links/packet.js';
import { PIECE_SKIPPED, RequestCutter } from '../../../src/reactor/http/request-cutter.js';

export interface Piece {
  readonly text: string;
  readonly request: number;
  readonly begins: boolean;
  readonly ends: boolean;
  /** No worker gets it. */
  readonly skipped: boolean;
}

/** What all of them read to. */
const shared = Buffer.alloc(1 << 18);

/** Requests as one connection brings them: cut by a cutter in a `FrameInput`, as a reactor thread does. */
export class Cutting {
  readonly cutter: RequestCutter;
  readonly pieces: Piece[] = [];
  readonly #input: FrameInput;

  constructor(cutter = new RequestCutter(), memory = shared) {
    this.cutter = cutter;
    const framer = {
      needed: 0,
      trailer: 0,
      measure: (bytes: Buffer, start: number, end: number, scanned: number) =>
        cutter.measure(bytes, start, end, scanned),
    };
    this.#input = new FrameInput(framer, memory);
  }

  /** Bytes of a head that is kept. */
  get kept(): number {
    return this.#input.bytes;
  }

  feed(bytes: Buffer | string): this {
    this.#input.prepare();
    const count = Buffer.from(bytes as string, 'latin1').copy(this.#input.target, this.#input.offset);
    return this.#take(count);
  }

  /** As when a head has been waited for long enough. */
  hurry(): this {
    this.cutter.hurry();
    return this.recut();
  }

  recut(): this {
    this.#input.prepareKept();
    return this.#take(0);
  }

  #take(count: number): this {
    const visit = (memory: Buffer, start: number, end: number) => {
      const { flags, request } = this.cutter;
      const skipped = flags === PIECE_SKIPPED;
      this.pieces.push({
        text: memory.toString('latin1', start, end),
        request,
        begins: !skipped && (flags & PIECE_BEGINS) !== 0,
        ends: !skipped && (flags & PIECE_ENDS) !== 0,
        skipped,
      });
    };
    this.#input.take(count, visit, () => !this.cutter.holds);
    return this;
  }

  get text(): string {
    return this.pieces.map(({ text }) => text).join('');
  }

  /** The requests as far as they have come, each by its text and whether it has ended. */
  get requests(): { text: string; ended: boolean }[] {
    const requests: { text: string; ended: boolean }[] = [];
    for (const { text, begins, ends, skipped } of this.pieces) {
      if (skipped) continue;
      if (begins) requests.push({ text: '', ended: false });
      const last = requests.at(-1);
      if (last === undefined || last.ended) throw new Error(`a piece of no request: ${JSON.stringify(text)}`);
      last.text += text;
      last.ended = ends;
    }
    return requests;
  }

  /** Where requests end, in bytes from the beginning. */
  get ends(): number[] {
    let at = 0;
    const ends: number[] = [];
    for (const { text, ends: isEnd } of this.pieces) {
      at += text.length;
      if (isEnd) ends.push(at);
    }
    return ends;
  }
}

interface Parser {
  initialize(type: number, resource: object, maxHeaderSize: number): void;
  execute(bytes: Buffer): number | Error;
  [callback: number]: (...args: never[]) => unknown;
}

interface Parsers {
  readonly HTTPParser: {
    new (): Parser;
    readonly REQUEST: number;
    readonly kOnHeaders: number;
    readonly kOnHeadersComplete: number;
    readonly kOnBody: number;
    readonly kOnMessageComplete: number;
  };
}

const { HTTPParser } = createRequire(import.meta.url)('_http_common') as Parsers;

/** Node's own parser of requests, and how many it has found the end of. */
export class NodeParser {
  ends = 0;
  failed = false;
  readonly #parser = new HTTPParser();

  constructor() {
    const parser = this.#parser;
    parser.initialize(HTTPParser.REQUEST, {}, 1 << 20);
    parser[HTTPParser.kOnHeaders] = () => {};
    parser[HTTPParser.kOnHeadersComplete] = () => 0;
    parser[HTTPParser.kOnBody] = () => {};
    parser[HTTPParser.kOnMessageComplete] = () => {
      this.ends++;
    };
  }

  feed(bytes: Buffer): this {
    if (!this.failed && bytes.length > 0) this.failed = this.#parser.execute(bytes) instanceof Error;
    return this;
  }
}

/** Where Node's own parser finds the ends of requests, one byte after the other. */
export function endsOfNode(bytes: Buffer): number[] {
  const parser = new NodeParser();
  const ends: number[] = [];
  for (let at = 1; at <= bytes.length; at++)
    if (parser.feed(bytes.subarray(at - 1, at)).ends > ends.length) ends.push(at);
  return ends;
}

/** Requests of every kind, whole. */
export const CORPUS: readonly string[] = [
  'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
  'HEAD /x?y=z#w HTTP/1.1\r\nhost:a\r\nAccept: */*\r\nX-Empty:\r\n\r\n',
  'OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET http://example.org:8080/a HTTP/1.1\r\nHost: example.org\r\n\r\n',
  'GET http://example.org HTTP/1.1\r\nHost: example.org\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello',
  'PUT /upload HTTP/1.1\r\nHost: a\r\nContent-length:  12\r\nExpect: 100-continue\r\n\r\nGET / HTTP/1',
  'DELETE / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: a\r\ntransfer-encoding: Chunked\r\n\r\n0A\r\n0123456789\r\n000\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;a\r\nx\r\n2;a=b;c="d e"\r\nyz\r\n0;end\r\nX: 1\r\nY:2\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, TE\r\nTE: trailers\r\n\r\n',
  'GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n',
  'M-SEARCH / HTTP/1.1\r\nHost: a\r\nX-High: \xe9\xff\r\nX-Tab:\ta\tb\t\r\n\r\n',
  'QUERY / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n{}\n',
];

/** Those after which no other one comes. */
export const LAST: readonly string[] = [
  'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: a\r\nConnection: foo , Close\r\nContent-Length: 2\r\n\r\nab',
  'GET / HTTP/1.0\r\n\r\n',
];

/** Those whose answer may change the protocol. */
export const UPGRADES: readonly string[] = [
  'GET /chat HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n',
  'CONNECT example.org:443 HTTP/1.1\r\nHost: a\r\n\r\n',
];

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n';

/** What leaves a doubt, up to the byte that does; none of it is cut, and nothing after it. */
export const ODD: readonly (readonly [name: string, text: string])[] = [
  ['a bare LF behind the request line', 'GET / HTTP/1.1\nHost: a\r\n\r\n'],
  ['a bare LF behind a field', 'GET / HTTP/1.1\r\nHost: a\n\r\n'],
  ['a bare LF at the end of the head', `${GET}\n`],
  ['a bare CR in a value', 'GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n'],
  ['NUL in a value', 'GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n'],
  ['a folded field', `${GET} folded: x\r\n\r\n`],
  ['a space before the colon', 'GET / HTTP/1.1\r\nHost : a\r\n\r\n'],
  ['a field without a colon', 'GET / HTTP/1.1\r\nHost\r\n\r\n'],
  ['a field without a name', 'GET / HTTP/1.1\r\n: a\r\n\r\n'],
  ['an unknown method', 'BREW / HTTP/1.1\r\n\r\n'],
  ['a method in small letters', 'get / HTTP/1.1\r\n\r\n'],
  ['a method that goes on', 'GETS / HTTP/1.1\r\n\r\n'],
  ['two spaces before the target', 'GET  / HTTP/1.1\r\n\r\n'],
  ['a target that is none', 'GET x HTTP/1.1\r\n\r\n'],
  ['a target with a space', 'GET /a b HTTP/1.1\r\n\r\n'],
  ['a target beyond ASCII', 'GET /\xe9 HTTP/1.1\r\n\r\n'],
  ['a target with a user', 'GET http://u@h/ HTTP/1.1\r\n\r\n'],
  ['a request of HTTP/0.9', 'GET /\r\n'],
  ['a version that there is not', 'GET / HTTP/1.2\r\n\r\n'],
  ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ['a TLS handshake', '\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03'],
  ['both lengths', `${GET}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
  [
    'both lengths the other way round',
    `${GET}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n`,
  ],
  ['two lengths', `${GET}Content-Length: 4\r\nContent-Length: 4\r\n\r\nabcd`],
  ['a length with a sign', `${GET}Content-Length: +4\r\n\r\nabcd`],
  ['a length below 0', `${GET}Content-Length: -1\r\n\r\nabcd`],
  ['two lengths in one', `${GET}Content-Length: 4, 4\r\n\r\nabcd`],
  ['a length with a space behind it', `${GET}Content-Length: 4 \r\n\r\nabcd`],
  ['a length in hexadecimal', `${GET}Content-Length: 0x4\r\n\r\nabcd`],
  ['a length without digits', `${GET}Content-Length:\r\n\r\n`],
  ['a length beyond all', `${GET}Content-Length: 99999999999999999999\r\n\r\n`],
  ['a coding that is not known', `${GET}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`],
  ['chunked twice', `${GET}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
  ['a coding that hides', `${GET}Transfer-Encoding:\vchunked\r\n\r\n0\r\n\r\n`],
  ['a coding without a name', `${GET}Transfer-Encoding:\r\n\r\n0\r\n\r\n`],
  ['chunks in HTTP/1.0', 'POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
  ['a tab between connection options', `${GET}Connection: close\t\r\n\r\n`],
  ['an upgrade with a body', `${GET}Connection: upgrade\r\nUpgrade: x\r\nContent-Length: 1\r\n\r\na`],
  ['a chunk size with a sign', `${GET}Transfer-Encoding: chunked\r\n\r\n+1\r\na\r\n0\r\n\r\n`],
  ['a chunk size with a space', `${GET}Transfer-Encoding: chunked\r\n\r\n1 \r\na\r\n0\r\n\r\n`],
  ['a chunk size without digits', `${GET}Transfer-Encoding: chunked\r\n\r\n;a\r\n\r\n`],
  ['a chunk size beyond all', `${GET}Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n`],
  ['a chunk that is longer than it says', `${GET}Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n`],
  ['a bare LF behind a chunk size', `${GET}Transfer-Encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n`],
  ['a bare LF behind a chunk', `${GET}Transfer-Encoding: chunked\r\n\r\n1\r\na\n0\r\n\r\n`],
  ['an extension with a bare LF in it', `${GET}Transfer-Encoding: chunked\r\n\r\n1;a\nb\r\na\r\n0\r\n\r\n`],
  [
    'more extensions than Node may take',
    `${GET}Transfer-Encoding: chunked\r\n\r\n1;${'a'.repeat(5000)}\r\na\r\n0\r\n\r\n`,
  ],
  ['a length behind the chunks', `${GET}Transfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 4\r\n\r\n`],
  ['a folded trailer', `${GET}Transfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\n c\r\n\r\n`],
];

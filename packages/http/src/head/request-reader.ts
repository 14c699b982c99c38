import { CACHED_BYTES, MAX_HEAD_BYTES } from '../constants.js';
import { HeadCache } from './head-cache.js';
import { KnownRequests } from './known-requests.js';
import { mayBeginBlock, type RequestHead } from './request-head.js';
import { mayBeginLine, parseRequestLine } from './request-line.js';

const END_OF_HEAD = '\r\n\r\n';

/** A request that has come whole. */
export interface WholeRequest {
  readonly method: string;
  readonly target: string;
  readonly head: RequestHead;
  /** Where its body begins and it ends, in the bytes that were read. */
  readonly bodyStart: number;
  readonly end: number;
}

/** What a request says that has no body. */
export type KnownRequest = Pick<WholeRequest, 'method' | 'target' | 'head'>;

/** `'partial'`: it is not whole. `'node'`: node:http is to read it. */
export type Reading = WholeRequest | 'partial' | 'node';

/** Reads requests whose meaning is beyond doubt. */
export class RequestReader {
  readonly #cache = new HeadCache(CACHED_BYTES);
  readonly #known = new KnownRequests();
  readonly #maxHeadBytes: number;

  /** `maxHeaderBytes`: what node:http allows; it answers what is longer. */
  constructor(maxHeaderBytes: number) {
    this.#maxHeadBytes = Math.min(MAX_HEAD_BYTES, maxHeaderBytes - 1);
  }

  /**
   * What `memory[start, end)` is, where that is one whole request without a body, and like those that have come before: as `read`
   * says it. Undefined: it is to be read. What it returns is to be used before the next is asked for.
   */
  find(memory: Uint8Array, start: number, end: number): KnownRequest | undefined {
    const known = this.#known;
    if (end - start > this.#maxHeadBytes + END_OF_HEAD.length || !known.find(memory, start, end))
      return undefined;
    return known;
  }

  /** What the request that begins at `start` is. */
  read(data: Buffer, start: number): Reading {
    const text = data.toString('latin1', start, start + this.#maxHeadBytes + END_OF_HEAD.length);
    const textEnd = text.indexOf(END_OF_HEAD);
    if (textEnd < 0) return this.#mayBegin(data, start) ? 'partial' : 'node';
    const headEnd = start + textEnd;
    const lineEnd = text.indexOf('\r\n');
    if (lineEnd === textEnd) return 'node';
    const line = parseRequestLine(text, lineEnd);
    if (line === undefined) return 'node';
    const head = this.#cache.head(text.slice(lineEnd, textEnd));
    if (head === undefined || (head.bodyBytes !== undefined && !line.mayHaveBody)) return 'node';
    const bodyStart = headEnd + END_OF_HEAD.length;
    const end = bodyStart + (head.bodyBytes ?? 0);
    if (end > data.length) return 'partial';
    if (head.bodyBytes === undefined) this.#known.note(data, start, start + lineEnd, line, head);
    return { method: line.method, target: line.target, head, bodyStart, end };
  }

  /**
   * Where the last whole request ends, if everything from `start` on is requests to be read here, behind which one may have begun.
   * Undefined: one is node:http's.
   */
  plainEnd(data: Buffer, start: number): number | undefined {
    let at = start;
    while (at < data.length) {
      const reading = this.read(data, at);
      if (reading === 'partial') break;
      if (reading === 'node') return undefined;
      at = reading.end;
    }
    return at;
  }

  /** What is not going to be read here goes to node:http without waiting for the rest of it. */
  #mayBegin(data: Buffer, start: number): boolean {
    if (data.length - start > this.#maxHeadBytes) return false;
    const text = data.toString('latin1', start);
    const lineEnd = text.indexOf('\r\n');
    if (lineEnd < 0) return mayBeginLine(text);
    return parseRequestLine(text, lineEnd) !== undefined && mayBeginBlock(text.slice(lineEnd));
  }
}

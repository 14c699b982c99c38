import type { IncomingHttpHeaders } from 'node:http';
import { MAX_BODY_BYTES, MAX_FIELDS } from '../constants.js';
import { TOKEN_CHARACTERS, VALUE_CHARACTERS } from './characters.js';

const CARRIAGE_RETURN = 13;
const LINE_FEED = 10;
const SPACE = 32;
const COLON = 58;

/** Fields that are read here. */
const OWN_FIELDS: ReadonlySet<string> = new Set(['host', 'content-length', 'connection']);

/** Fields that change what a request is, or what becomes of its connection, in more ways than are followed here. */
const NODES_FIELDS: ReadonlySet<string> = new Set([
  'transfer-encoding',
  'upgrade',
  'expect',
  'trailer',
  'proxy-connection',
  'http2-settings',
  '__proto__',
]);

/** A length without a sign, a leading zero or more digits than a body here may have. */
const LENGTH = /^(?:0|[1-9]\d{0,6})$/;

/** A line that is not whole: its name, and what has come behind that. */
const BEGUN_LINE =
  /^(?<name>[!#$%&'*+\-.^_`|~0-9A-Za-z]*)(?<colon>(?<=.): ?(?:[\x21-\x7e][\x20-\x7e]*)?\r?)?$/;

/** What the header fields of a request say. Requests with the same fields share it. */
export class RequestHead {
  /** What they were read from. */
  readonly block: string;
  /** Names and values in turns, as they came. */
  readonly rawHeaders: readonly string[];
  /** Bytes of the body; undefined where no field says. */
  readonly bodyBytes: number | undefined;
  /** What node:http makes of the fields, once a request was asked for it. */
  headers: IncomingHttpHeaders | undefined;

  constructor(block: string, rawHeaders: readonly string[], bodyBytes: number | undefined) {
    this.block = block;
    this.rawHeaders = rawHeaders;
    this.bodyBytes = bodyBytes;
  }
}

/**
 * The head whose fields are `block`: each line with the CRLF before it, none behind the last. Undefined: it is not one that has a
 * single meaning by the letter, so node:http is to read it.
 */
export function parseHeaderBlock(block: string): RequestHead | undefined {
  const fields = parseFields(block);
  return fields?.hasHost === true ? new RequestHead(block, fields.raw, fields.bodyBytes) : undefined;
}

/** Whether a block like those that `parseHeaderBlock` takes may begin with `text`. */
export function mayBeginBlock(text: string): boolean {
  const last = text.lastIndexOf('\r\n');
  if (last < 0) return text === '' || text === '\r';
  if (parseFields(text.slice(0, last)) === undefined) return false;
  const { name, colon } = BEGUN_LINE.exec(text.slice(last + 2))?.groups ?? {};
  if (name === undefined) return false;
  const lower = name.toLowerCase();
  return colon === undefined || !(OWN_FIELDS.has(lower) || NODES_FIELDS.has(lower));
}

interface Fields {
  readonly raw: readonly string[];
  readonly bodyBytes: number | undefined;
  readonly hasHost: boolean;
}

function parseFields(block: string): Fields | undefined {
  const raw: string[] = [];
  let bodyBytes: number | undefined;
  let hasHost = false;
  for (let at = 0; at < block.length; ) {
    const colon = nameEnd(block, at);
    if (colon < 0) return undefined;
    const start = block.charCodeAt(colon + 1) === SPACE ? colon + 2 : colon + 1;
    const end = valueEnd(block, start);
    if (end < 0) return undefined;
    const name = block.slice(at + 2, colon);
    const value = block.slice(start, end);
    switch (name.toLowerCase()) {
      case 'host':
        if (hasHost) return undefined;
        hasHost = true;
        break;
      case 'content-length':
        if (bodyBytes !== undefined || !LENGTH.test(value)) return undefined;
        bodyBytes = Number(value);
        if (bodyBytes > MAX_BODY_BYTES) return undefined;
        break;
      case 'connection':
        if (value.toLowerCase() !== 'keep-alive') return undefined;
        break;
      default:
        if (NODES_FIELDS.has(name.toLowerCase())) return undefined;
    }
    raw.push(name, value);
    if (raw.length > 2 * MAX_FIELDS) return undefined;
    at = end;
  }
  return { raw, bodyBytes, hasHost };
}

/** Where the colon is behind the name of the line that begins, with its CRLF, at `at`; -1 where there is no such name. */
function nameEnd(block: string, at: number): number {
  if (block.charCodeAt(at) !== CARRIAGE_RETURN || block.charCodeAt(at + 1) !== LINE_FEED) return -1;
  let end = at + 2;
  while (TOKEN_CHARACTERS[block.charCodeAt(end)] === 1) end++;
  return end > at + 2 && block.charCodeAt(end) === COLON ? end : -1;
}

/** Where the value that begins at `start` ends; -1 where it is empty, or has spaces around it or characters of more than one meaning. */
function valueEnd(block: string, start: number): number {
  let end = start;
  while (VALUE_CHARACTERS[block.charCodeAt(end)] === 1) end++;
  const isLine = end === block.length || block.charCodeAt(end) === CARRIAGE_RETURN;
  if (!isLine || end === start) return -1;
  return block.charCodeAt(start) === SPACE || block.charCodeAt(end - 1) === SPACE ? -1 : end;
}

import { STATUS_CODES } from 'node:http';
import { OUT_HEADERS, type OutHeaders, statusLine, type UntypedResponse } from './node-internals.js';

/** Fields that change more of a response than a line of its head, or whose value is not written as it is: node:http writes them. */
const NODES_FIELDS: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'trailer',
  'expect',
  'date',
  'content-disposition',
]);

const SECOND_MS = 1_000;
/** CR and LF. */
const LINE_END = 2;

let dateLine = '';
let keepAliveLines = '';
let keepAliveMs = -1;

/** What a response says of itself as far as its head goes. */
export interface ResponseSaid {
  readonly statusCode: number;
  readonly statusMessage: string | undefined;
  readonly sendDate: boolean;
}

/** A head, up to the empty line and with it. */
export interface ResponseHead {
  text: string;
  /** Its bytes up to the length of the body, or up to the end of the last line where that is said before; undefined: they are not known. */
  lines: Uint8Array | undefined;
  /** The length is among those lines. */
  hasLength: boolean;
}

/** What a head was made of, but for the length of the body. */
interface KnownLines {
  readonly said: readonly unknown[];
  readonly reason: string;
  readonly statusCode: number;
  readonly text: string;
  readonly hasLength: boolean;
  /** Made when it is used once more; null: there is more than ASCII in it. */
  bytes: Uint8Array | null | undefined;
}

/** Heads that are known, each found by its status and its fields. */
const PLACES = 16;
/** Characters of the longest that is known. */
const MAX_KNOWN = 4_096;
const known = new Array<KnownLines | undefined>(PLACES).fill(undefined);

/** Of each status: its reason, and the line that node:http writes for it. */
const firstLines: { readonly reason: string; readonly line: string }[] = [];

/** Names and values of the present head in turns, then the other lines. */
const said: unknown[] = [];
let saidCount = 0;
const head: ResponseHead = { text: '', lines: undefined, hasLength: false };

/**
 * The head of a response of `bytes`, as node:http writes it; to be used before another is asked for. Undefined where it says
 * something that node:http is to write.
 */
export function responseHead(
  response: UntypedResponse & ResponseSaid,
  bytes: number,
): ResponseHead | undefined {
  const { statusCode, statusMessage } = response;
  const reason = STATUS_CODES[statusCode];
  if (reason === undefined || statusCode < 200 || (statusMessage !== undefined && statusMessage !== reason))
    return undefined;
  const place = noteSaid(response);
  if (place < 0) return undefined;
  let lines = known[place];
  const isKnown = lines?.statusCode === statusCode && lines.reason === reason && isSaid(lines.said);
  if (lines === undefined || !isKnown) {
    lines = newLines(statusCode, reason);
    if (lines === undefined) return undefined;
    if (lines.text.length <= MAX_KNOWN) known[place] = lines;
  } else if (lines.bytes === undefined) lines.bytes = bytesOf(lines);
  head.text = lines.hasLength ? `${lines.text}\r\n` : `${lines.text}${bytes}\r\n\r\n`;
  head.lines = lines.bytes ?? undefined;
  head.hasLength = lines.hasLength;
  return head;
}

/** Notes what the present head says, and returns where one that says the same is known; -1: it says something that is node:http's. */
function noteSaid(response: UntypedResponse & ResponseSaid): number {
  const { statusCode, sendDate, _keepAliveTimeout } = response;
  const headers = response[OUT_HEADERS as symbol] as OutHeaders | null;
  let count = 0;
  let sum = statusCode;
  for (const key in headers) {
    const [name, value] = headers[key] as OutHeaders[string];
    said[count++] = name;
    said[count++] = value;
    if (typeof value === 'string') sum += value.length;
    else if (typeof value !== 'number') return -1;
  }
  said[count++] = sendDate ? date() : '';
  said[count++] = keepAlive(_keepAliveTimeout);
  saidCount = count;
  return sum % PLACES;
}

function isSaid(before: readonly unknown[]): boolean {
  const count = saidCount;
  if (before.length !== count) return false;
  for (let i = 0; i < count; i++) if (before[i] !== said[i]) return false;
  return true;
}

function newLines(statusCode: number, reason: string): KnownLines | undefined {
  let text = `${firstLine(statusCode, reason)}\r\n`;
  let hasLength = false;
  const last = saidCount - 2;
  for (let i = 0; i < last; i += 2) {
    const name = said[i] as string;
    const key = name.toLowerCase();
    if (NODES_FIELDS.has(key)) return undefined;
    if (key === 'content-length') hasLength = true;
    text += `${name}: ${said[i + 1]}\r\n`;
  }
  text += `${said[last]}${said[last + 1]}`;
  if (!hasLength) text += 'Content-Length: ';
  return { said: said.slice(0, saidCount), reason, statusCode, text, hasLength, bytes: undefined };
}

function firstLine(statusCode: number, reason: string): string {
  let first = firstLines[statusCode];
  if (first?.reason !== reason) {
    first = { reason, line: statusLine(statusCode) };
    firstLines[statusCode] = first;
  }
  return first.line;
}

function bytesOf({ text, hasLength }: KnownLines): Uint8Array | null {
  const bytes = Buffer.from(hasLength ? text.slice(0, -LINE_END) : text);
  return bytes.length === (hasLength ? text.length - LINE_END : text.length) ? bytes : null;
}

function date(): string {
  if (dateLine === '') {
    const now = Date.now();
    dateLine = `Date: ${new Date(now).toUTCString()}\r\n`;
    // As node:http: until the second is over.
    setTimeout(forgetDate, SECOND_MS - (now % SECOND_MS)).unref();
  }
  return dateLine;
}

function forgetDate(): void {
  dateLine = '';
}

function keepAlive(ms: number): string {
  if (ms !== keepAliveMs) {
    keepAliveMs = ms;
    keepAliveLines = 'Connection: keep-alive\r\n';
    if (ms) keepAliveLines += `Keep-Alive: timeout=${Math.floor(ms / SECOND_MS)}\r\n`;
  }
  return keepAliveLines;
}

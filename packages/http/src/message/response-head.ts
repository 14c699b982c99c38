import { STATUS_CODES } from 'node:http';
import { OUT_HEADERS, type OutHeaders, type UntypedResponse } from './node-internals.js';

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

let dateLine = '';
let keepAliveLines = '';
let keepAliveMs = -1;

/** What a response says of itself as far as its head goes. */
export interface ResponseSaid {
  readonly statusCode: number;
  readonly statusMessage: string | undefined;
  readonly sendDate: boolean;
}

/**
 * The head of a response of `bytes`, as node:http writes it, up to the empty line and with it. Undefined where it says
 * something that node:http is to write.
 */
export function responseHead(response: UntypedResponse & ResponseSaid, bytes: number): string | undefined {
  const { statusCode, statusMessage, sendDate, _keepAliveTimeout } = response;
  const reason = STATUS_CODES[statusCode];
  if (reason === undefined || statusCode < 200 || (statusMessage !== undefined && statusMessage !== reason))
    return undefined;
  let head = `HTTP/1.1 ${statusCode} ${reason}\r\n`;
  let hasLength = false;
  const headers = response[OUT_HEADERS as symbol] as OutHeaders | null;
  for (const key in headers) {
    if (NODES_FIELDS.has(key)) return undefined;
    const [name, value] = headers[key] as OutHeaders[string];
    if (typeof value !== 'string' && typeof value !== 'number') return undefined;
    if (key === 'content-length') hasLength = true;
    head += `${name}: ${value}\r\n`;
  }
  if (sendDate) head += date();
  head += keepAlive(_keepAliveTimeout);
  return hasLength ? `${head}\r\n` : `${head}Content-Length: ${bytes}\r\n\r\n`;
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

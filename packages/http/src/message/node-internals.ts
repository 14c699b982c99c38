import { IncomingMessage, OutgoingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';

/** Header fields that a response was given, by their lower-case names: the name as given, and the value. */
export type OutHeaders = Readonly<Record<string, readonly [name: string, value: unknown]>>;

/** What node:http keeps of a response beyond its types; the same in every version that is supported. */
export interface UntypedResponse {
  socket: UntypedSocket | null;
  destroyed: boolean;
  finished: boolean;
  _closed: boolean;
  _header: string | null;
  _headerSent: boolean;
  _hasBody: boolean;
  _last: boolean;
  _contentLength: number | null;
  _removedConnection: boolean;
  _removedContLen: boolean;
  _removedTE: boolean;
  _defaultKeepAlive: boolean;
  _keepAliveTimeout: number;
  _maxRequestsPerSocket: number | null;
  maxRequestsOnConnectionReached: boolean;
  readonly outputData: readonly unknown[];
  _finish(): void;
  [field: symbol]: unknown;
}

/** The same of a request. */
export interface UntypedRequest {
  _consuming: boolean;
  readonly _eventsCount: number;
  readonly _readableState: { readingMore: boolean; readonly resumeScheduled: boolean };
  _addHeaderLines(raw: readonly string[], count: number): void;
  _dump(): void;
  _read(): void;
  [method: symbol]: unknown;
}

/** The same of its connection. */
export interface UntypedSocket {
  _httpMessage: unknown;
  _hadError?: boolean;
}

/** The same of a server. */
export interface UntypedServer {
  readonly maxHeaderSize?: number;
  readonly keepAliveTimeoutBuffer?: number;
}

const response = exampleResponse();

/** Where a response keeps its header fields. Undefined in a version of Node that has no such place: then all is node:http's. */
export const OUT_HEADERS: symbol | undefined = symbolOf(response, 'kOutHeaders');

/** Where a response keeps whether its program waits for room to write. Undefined in a version that has no such place, as above. */
export const NEED_DRAIN: symbol | undefined = symbolOf(response, 'kNeedDrain');

/** Where Node 26 keeps whether everything of a response has been written. */
export const WRITABLE_FINISHED: symbol | undefined = symbolOf(response, 'kWritableFinished');

/** The method by which a request's `signal` lets go of its connection, from Node 24 on. */
export const DETACH_SIGNAL: symbol | undefined = symbolOf(IncomingMessage.prototype, 'kDetachAbortSignal');

/** How node:http reads and sets the header fields of a request. */
export const NODE_HEADERS = Object.getOwnPropertyDescriptor(IncomingMessage.prototype, 'headers') as Required<
  Pick<PropertyDescriptor, 'get' | 'set'>
>;

const { writeHead } = ServerResponse.prototype;
const { end, setHeader } = OutgoingMessage.prototype;

/** Whether responses end and begin as Node made them: what instruments the process may have put methods of its own there. */
export function isUnchanged(): boolean {
  return ServerResponse.prototype.writeHead === writeHead && ServerResponse.prototype.end === end;
}

/** The same of what sets a header field. */
export function isSetHeaderUnchanged(): boolean {
  return OutgoingMessage.prototype.setHeader === setHeader;
}

/**
 * The line that node:http begins an answer of that status with now. Node 26 keeps the line of its first answer of each status,
 * whatever becomes of `STATUS_CODES`. Throws what Node throws for a reason that cannot be sent.
 */
export function statusLine(statusCode: number): string {
  Object.assign(response, { _header: null, statusMessage: undefined });
  writeHead.call(response, statusCode);
  const head = response._header as string;
  return head.slice(0, head.indexOf('\r\n'));
}

function exampleResponse(): UntypedResponse & ServerResponse {
  return new ServerResponse(new IncomingMessage(new Socket())) as unknown as UntypedResponse & ServerResponse;
}

function symbolOf(object: object, name: string): symbol | undefined {
  return Object.getOwnPropertySymbols(object).find(({ description }) => description === name);
}

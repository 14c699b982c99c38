import type { ServerResponse } from 'node:http';
import { GUARD_HEADERS } from './guard-headers.js';

const GUARD_LIST = GUARD_HEADERS.flat();

/** What a route answers: a body of JSON, a text, or a stream that it writes by itself. */
export type Reply =
  | { readonly status: number; readonly body: object }
  | { readonly text: string; readonly contentType: string }
  | { readonly serve: (response: ServerResponse) => void };

/** A request that is refused; what the client is told. */
export class RequestError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** There is no such process, and which there are. */
export function noProcess(name: string, processes: readonly { readonly name: string }[]): RequestError {
  const names = processes.map((process) => process.name).join(', ');
  return new RequestError(404, 'NO_PROCESS', `There is no process '${name}'; there are: ${names}.`);
}

export function send(response: ServerResponse, status: number, body: object): void {
  sendText(response, status, `${JSON.stringify(body)}\n`, 'application/json');
}

/** To a response that has no headers yet: written in one list they cost a fraction of what single ones do. */
export function sendText(response: ServerResponse, status: number, text: string, contentType: string): void {
  const headers = [
    ...['content-type', contentType],
    ...['content-length', String(Buffer.byteLength(text))],
    ...['cache-control', 'no-store'],
    ...GUARD_LIST,
  ];
  if (status === 401) headers.push('www-authenticate', 'Bearer');
  response.writeHead(status, headers);
  response.end(text);
}

export function sendError(response: ServerResponse, { status, code, message }: RequestError): void {
  send(response, status, { error: { code, message } });
}

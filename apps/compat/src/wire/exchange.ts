import { createHash } from 'node:crypto';
import { until } from '@millrace/testkit';
import { type Answer, AnswerReader } from './answer-reader.js';
import { type End, type Target, Wire } from './wire.js';

/** One request of HTTP/1, as bytes. */
export interface Request {
  readonly method: string;
  readonly bytes: Buffer;
}

export interface RequestOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Sends the body in chunks of that many bytes. */
  readonly chunked?: number;
  readonly trailers?: string;
  readonly version?: string;
  /** Adds `Connection: close`. */
  readonly close?: boolean;
}

export function request(method: string, path: string, options: RequestOptions = {}): Request {
  const { headers = {}, body, chunked, trailers = '', version = '1.1', close = false } = options;
  const bytes = body === undefined ? undefined : Buffer.from(body);
  const lines = [`${method} ${path} HTTP/${version}`, 'Host: localhost'];
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
  if (close) lines.push('Connection: close');
  if (bytes !== undefined) {
    lines.push(chunked === undefined ? `Content-Length: ${bytes.length}` : 'Transfer-Encoding: chunked');
  }
  const parts = [Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')];
  if (bytes !== undefined && chunked === undefined) parts.push(bytes);
  else if (bytes !== undefined && chunked !== undefined) {
    for (let at = 0; at < bytes.length; at += chunked) {
      const part = bytes.subarray(at, at + chunked);
      parts.push(Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from('\r\n'));
    }
    parts.push(Buffer.from(`0\r\n${trailers}\r\n`));
  }
  return { method, bytes: Buffer.concat(parts) };
}

/** A connection with the answers that came over it. */
export class Exchange implements Disposable {
  readonly wire: Wire;
  readonly reader = new AnswerReader();

  private constructor(wire: Wire) {
    this.wire = wire;
    wire.socket.on('data', (chunk: Buffer) => this.reader.push(chunk));
    wire.socket.on('end', () => this.reader.finish());
  }

  static async open(target: Target): Promise<Exchange> {
    return new Exchange(await Wire.connect(target));
  }

  /** Sends requests in one piece. */
  async ask(...requests: readonly Request[]): Promise<void> {
    for (const { method } of requests) this.reader.ask(method);
    await this.wire.send(Buffer.concat(requests.map(({ bytes }) => bytes)));
  }

  /** Waits until every request has its answer, or none can come. */
  async answered(): Promise<Answer[]> {
    await until(
      `${this.reader.unanswered} answers`,
      () => this.reader.unanswered === 0 || this.wire.isOver || this.reader.error !== undefined,
    );
    return this.reader.answers;
  }

  [Symbol.dispose](): void {
    this.wire[Symbol.dispose]();
  }
}

/** What was seen of a connection, less what differs from one start to the next. */
export interface Seen {
  readonly answers: readonly unknown[];
  readonly end: End;
  readonly error?: string;
}

/** Sends requests in one piece, and returns their answers and how the server ended the connection, if it had to. */
export async function exchange(
  target: Target,
  requests: readonly Request[],
  { closes = true }: { readonly closes?: boolean } = {},
): Promise<Seen> {
  using connection = await Exchange.open(target);
  await connection.ask(...requests);
  await connection.answered();
  if (closes) await connection.wire.over();
  return seen(connection);
}

/**
 * As {@link exchange}, once for each way in which the requests may come in several pieces: when one comes, what came before it is
 * answered.
 */
export function exchangeApart(target: Target, requests: readonly Request[]): Promise<Seen[]> {
  // Bit N of a way: there is a new piece behind request N.
  const ways = Array.from({ length: 2 ** (requests.length - 1) - 1 }, (_, way) => way + 1);
  return Promise.all(
    ways.map(async (way) => {
      using connection = await Exchange.open(target);
      const piece: Request[] = [];
      for (const [at, each] of requests.entries()) {
        piece.push(each);
        if (((way >> at) & 1) === 0 && at < requests.length - 1) continue;
        await connection.ask(...piece.splice(0));
        await connection.answered();
      }
      await connection.wire.over();
      return seen(connection);
    }),
  );
}

export function seen({ reader, wire }: Exchange): Seen {
  const error = reader.error === undefined ? {} : { error: reader.error.message };
  return { answers: reader.answers.map(steady), end: wire.end, ...error };
}

/** Of a longer body its digest is compared. */
const SHOWN_BODY = 300;

/** An answer less what differs from one start to the next. */
export function steady({ version, status, reason, headers, body, trailers }: Answer) {
  return {
    line: `HTTP/${version} ${status} ${reason}`,
    headers: headers.map(([name, value]) => `${name}: ${steadyValue(name, value)}`),
    body: shownBody(body),
    trailers: trailers.map(([name, value]) => `${name}: ${value}`),
  };
}

/** The time of an answer, and the default of `keepAliveTimeout`, which is Millrace's own in process mode. */
export function steadyValue(name: string, value: string): string {
  if (name.toLowerCase() === 'date') return '(a date)';
  if (name.toLowerCase() === 'keep-alive') return value.replace(/timeout=\d+/, 'timeout=(the default)');
  return value;
}

export function shownBody(body: Buffer): string {
  if (body.length <= SHOWN_BODY) return body.toString('latin1');
  return `${body.length} bytes, sha256 ${createHash('sha256').update(body).digest('hex')}`;
}

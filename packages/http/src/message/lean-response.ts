import { ServerResponse, STATUS_CODES } from 'node:http';
import { answerBytes, putAnswer } from './answer-bytes.js';
import { HeaderNames, OutFields } from './header-names.js';
import type { LeanRequest } from './lean-request.js';
import {
  isSetHeaderUnchanged,
  isUnchanged,
  NEED_DRAIN,
  OUT_HEADERS,
  type UntypedResponse,
  type UntypedSocket,
  WRITABLE_FINISHED,
} from './node-internals.js';
import { type ResponseHead, responseHead } from './response-head.js';

/** The connection of a response, as far as the response goes. */
export interface ResponseOwner {
  /** Whether what is sent now goes out behind what this response has sent, and behind nothing else. */
  isClearFor(response: LeanResponse): boolean;
  send(data: string | Uint8Array, encoding: BufferEncoding): void;
  /** The same of an answer that has ended with that: the first `length` of `bytes`, which are the caller's again once this returns. */
  sendAnswer(bytes: Buffer, length: number): void;
  /** Everything of it is sent. */
  ended(response: LeanResponse): void;
  /** The same, once its listeners of 'finish' have been told. */
  finished(response: LeanResponse): void;
}

type Chunk = string | Uint8Array | null | undefined;
type Callback = () => void;

const { writeHead } = ServerResponse.prototype;
const { _finish } = ServerResponse.prototype as unknown as UntypedResponse;

const names = new HeaderNames();

/**
 * A response of node:http that sends an answer which is given whole, by `end`, in one piece, without what node:http does for answers
 * in pieces. Every other one is node:http's from the first byte on. The bytes are the same.
 */
export class LeanResponse extends ServerResponse<LeanRequest> {
  readonly #owner: ResponseOwner;
  #isOver = false;
  /** It hears of its own 'finish'. */
  #isHeard = false;
  /** Something was written behind its end, of which its program hears a tick later. */
  #isMisused = false;

  constructor(request: LeanRequest, owner: ResponseOwner, keepAliveMs: number) {
    super(request);
    this.#owner = owner;
    const response = untyped(this);
    response._keepAliveTimeout = keepAliveMs;
    response.socket = request.socket as unknown as UntypedSocket;
    // Also where a framework has set another prototype on it.
    response._finish = finishByNode;
  }

  override setHeader(name: string, value: number | string | readonly string[]): this {
    // Also what a header field may not be, and when it may not be set, is Node's to say.
    const response = untyped(this);
    const key = typeof value === 'string' && response._header === null ? names.key(name, value) : undefined;
    if (key === undefined || OUT_HEADERS === undefined || !isSetHeaderUnchanged())
      return super.setHeader(name, value);
    const headers = (response[OUT_HEADERS] ?? new OutFields()) as Record<string, unknown>;
    headers[key] = [name, value];
    response[OUT_HEADERS] = headers;
    return this;
  }

  override end(
    chunk?: Chunk | Callback,
    encoding?: BufferEncoding | Callback | null,
    callback?: Callback,
  ): this {
    // Null is as nothing to node:http, and Fastify's way to say so.
    if ((encoding ?? 'utf8') === 'utf8' && (callback ?? undefined) === undefined && this.#endsWhole(chunk))
      return this;
    this.#isMisused ||= this.finished;
    return super.end(chunk as string, encoding as BufferEncoding, callback as Callback);
  }

  override write(chunk: unknown, encoding?: unknown, callback?: unknown): boolean {
    this.#isMisused ||= this.finished;
    return super.write(chunk, encoding as BufferEncoding, callback as Callback);
  }

  /** Ends it with `chunk`, where nothing but its bytes has to be made. */
  #endsWhole(chunk: unknown): boolean {
    const isText = typeof chunk === 'string';
    if (!isText && chunk !== undefined && chunk !== null && !(chunk instanceof Uint8Array)) return false;
    const response = untyped(this);
    if (response.finished || response._headerSent || !isUnchanged() || !this.#isPlain(response)) return false;
    if (!this.#owner.isClearFor(this)) return false;
    let bytes = 0;
    if (isText) bytes = Buffer.byteLength(chunk);
    else if (chunk) bytes = chunk.byteLength;
    const head = response._header === null ? this.#head(response, bytes) : givenHead(response._header);
    if (head === undefined) return false;
    const length = putAnswer(head, chunk as Chunk, bytes);
    if (length === 0) this.#sendLong(head.text, chunk as Chunk, bytes);
    response._headerSent = true;
    response.finished = true;
    if (length > 0) this.#owner.sendAnswer(answerBytes, length);
    _finish.call(response);
    this.#owner.ended(this);
    process.nextTick(finish, this);
    return true;
  }

  #sendLong(header: string, chunk: Chunk, bytes: number): void {
    // In one encoding with its text, as node:http does, which matters for a head that is not of ASCII alone.
    if (typeof chunk === 'string' && bytes > 0) return this.#owner.send(header + chunk, 'utf8');
    this.#owner.send(header, 'latin1');
    if (bytes > 0) this.#owner.send(chunk as Uint8Array, 'latin1');
  }

  #isPlain(response: UntypedResponse): boolean {
    return (
      response._hasBody &&
      !response.destroyed &&
      !this.chunkedEncoding &&
      !this.strictContentLength &&
      this.writableCorked === 0 &&
      response.outputData.length === 0
    );
  }

  /** Its head, as node:http would have it made now. */
  #head(response: UntypedResponse, bytes: number): ResponseHead | undefined {
    if (OUT_HEADERS === undefined || this.writeHead !== writeHead) return undefined;
    if (!this.shouldKeepAlive || !this.useChunkedEncodingByDefault || !response._defaultKeepAlive)
      return undefined;
    if (response._removedConnection || response._removedContLen || response._removedTE) return undefined;
    if (response._maxRequestsPerSocket || response.maxRequestsOnConnectionReached) return undefined;
    const { statusCode } = this;
    // Node makes a number of it, by which there may be no body.
    if (typeof statusCode !== 'number' || statusCode === 204 || statusCode === 304) return undefined;
    const head = responseHead(this as unknown as UntypedResponse & LeanResponse, bytes);
    if (head === undefined) return undefined;
    this.statusMessage = STATUS_CODES[statusCode] as string;
    response._header = head.text;
    response._contentLength = bytes;
    return head;
  }

  // Static, for a framework may have set another prototype on it.

  /** Everything of it is written. */
  static finish(message: LeanResponse): void {
    if (message.#isOver) return;
    message.#isOver = true;
    message.#owner.finished(message);
  }

  /** node:http ends it: everything of it is written once it says so. */
  static willFinish(message: LeanResponse): void {
    message.#isHeard = true;
    message.prependListener('finish', onFinish);
  }

  /** Its connection is another's now. */
  static detach(message: LeanResponse): void {
    const response = untyped(message);
    if (response.socket?._httpMessage === message) response.socket._httpMessage = null;
    response.socket = null;
    const isWatched =
      message.listenerCount('close') > 0 || message.listenerCount('finish') > Number(message.#isHeard);
    if (isWatched || message.#isMisused) process.nextTick(LeanResponse.close, message);
    else LeanResponse.close(message);
  }

  /** There is room to write. */
  static drain(message: LeanResponse): void {
    if (!message.writableNeedDrain) return;
    untyped(message)[NEED_DRAIN as symbol] = false;
    message.emit('drain');
  }

  /** It is over, with its connection or without. */
  static close(message: LeanResponse): void {
    const response = untyped(message);
    if (response._closed) return;
    response.destroyed = true;
    response._closed = true;
    message.emit('close');
  }
}

const given: ResponseHead = { text: '', lines: undefined, hasLength: true };

/** A head that the program has had made before; to be used before another is asked for. */
function givenHead(text: string): ResponseHead {
  given.text = text;
  return given;
}

function onFinish(this: LeanResponse): void {
  LeanResponse.finish(this);
}

function finish(message: LeanResponse): void {
  const response = untyped(message);
  if (response.socket?._hadError) return;
  if (WRITABLE_FINISHED !== undefined) response[WRITABLE_FINISHED] = true;
  LeanResponse.finish(message);
  message.emit('finish');
}

/** What `end` of node:http calls once it has nothing left to write. */
function finishByNode(this: LeanResponse): void {
  LeanResponse.willFinish(this);
  _finish.call(untyped(this));
}

function untyped(response: LeanResponse): UntypedResponse {
  return response as unknown as UntypedResponse;
}

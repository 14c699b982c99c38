import { AsyncResource } from 'node:async_hooks';
import { MAX_WAITING_BYTES } from '../constants.js';
import type { KnownRequest } from '../head/request-reader.js';
import { LeanRequest } from '../message/lean-request.js';
import { LeanResponse, type ResponseOwner } from '../message/lean-response.js';
import type { UntypedResponse, UntypedSocket } from '../message/node-internals.js';
import { JoinedBytes } from './joined-bytes.js';
import type { LeanLink } from './lean-link.js';
import type { LeanServer } from './lean-server.js';
import type { Waiting, WaitingLine } from './waiting-line.js';

/**
 * A connection of HTTP as long as each of its requests is one that has come whole and has a single meaning by the letter. With the
 * first other one it is node:http's, from that request on and for good.
 */
export class LeanConnection extends AsyncResource implements ResponseOwner, Waiting {
  since = 0;
  before: Waiting | undefined;
  behind: Waiting | undefined;
  line: WaitingLine | undefined;
  readonly link: LeanLink;
  readonly #server: LeanServer;
  /** The request and response that have the connection. */
  #request: LeanRequest | undefined;
  #response: LeanResponse | undefined;
  /** What has come and is not yet read: the beginning of a request, or requests behind one without an answer. */
  #input: Buffer | undefined;
  /** Where it is put together. */
  #joined: JoinedBytes | undefined;
  /** How much of it is known to be whole requests that are not node:http's: each is looked at once, however much comes behind it. */
  #plainBytes = 0;
  #isReading = false;
  #isPaused = false;
  #isOver = false;

  constructor(server: LeanServer, link: LeanLink) {
    // As node:http names what its requests are handled in: what a handler enters stays with the connection.
    super('HTTPINCOMINGMESSAGE');
    this.#server = server;
    this.link = link;
    const { socket } = link;
    socket.on('end', this.#onEnd);
    socket.on('drain', this.#onDrain);
    socket.on('close', this.#onClose);
    socket.on('error', this.#onError);
    socket.on('timeout', this.#onTimeout);
  }

  /** Whether a response has the connection, or a request has begun to come. */
  get isBusy(): boolean {
    return this.#response !== undefined || this.#input !== undefined;
  }

  /** Bytes of the client, `memory[start, end)`, which is another's once this returns. */
  receivedIn(memory: Buffer, start: number, end: number): void {
    const isFree =
      this.#input === undefined && this.#response === undefined && !this.#isReading && !this.#isOver;
    const known = isFree ? this.#server.reader.find(memory, start, end) : undefined;
    if (known === undefined) return this.received(Buffer.from(memory.subarray(start, end)));
    this.#isReading = true;
    try {
      this.#take(known, undefined);
    } finally {
      this.#isReading = false;
    }
    // More may have come, while the program had its turn.
    if (this.#input === undefined) this.#hasRead();
    else if (this.#response === undefined) this.#read();
  }

  /** Bytes of the client, which are this connection's from here on. */
  received(data: Buffer): void {
    const input = this.#input;
    if (input === undefined) this.#input = data;
    else {
      this.#joined ??= new JoinedBytes();
      this.#input = this.#joined.join(input, data);
    }
    if (this.#response === undefined && !this.#isReading) this.#read();
    else if (this.#input.length > MAX_WAITING_BYTES) this.#pause();
  }

  /** Reads requests until one of them waits for its answer, or is not whole, or is not to be read here. */
  #read(): void {
    this.#isReading = true;
    try {
      const { reader } = this.#server;
      let data = this.#input;
      while (data !== undefined && this.#response === undefined && !this.#isOver) {
        const reading = reader.read(data, 0);
        if (reading === 'node') return this.#handOver(data);
        if (reading === 'partial') return this.#server.awaitRest(this);
        // Node:http may refuse what comes with a request before the program has answered that: then it has both.
        const plainEnd = reader.plainEnd(data, Math.max(reading.end, this.#plainBytes));
        if (plainEnd === undefined) return this.#handOver(data);
        this.#plainBytes = plainEnd - reading.end;
        // Before the program sees the request, for what that throws leaves this one here.
        this.#input = reading.end === data.length ? undefined : data.subarray(reading.end);
        if (this.#input === undefined) this.#joined = undefined;
        const { bodyStart, end } = reading;
        this.#take(reading, end > bodyStart ? data.subarray(bodyStart, end) : undefined);
        // It may have become more, while the program had its turn.
        data = this.#input;
      }
    } finally {
      this.#isReading = false;
    }
    this.#hasRead();
  }

  /** What was to be read has been given to the program. */
  #hasRead(): void {
    if (this.#isOver) return;
    if (this.#isPaused && (this.#input?.length ?? 0) <= MAX_WAITING_BYTES) this.#resume();
    if (this.#response === undefined) this.#server.awaitRequest(this);
  }

  #take({ method, target, head }: KnownRequest, body: Buffer | undefined): void {
    const { socket } = this.link;
    this.line?.leave(this);
    const request = new LeanRequest(socket, method, target, head, body);
    const response = new LeanResponse(request, this, this.#server.keepAliveMs);
    this.#request = request;
    this.#response = response;
    untyped(socket)._httpMessage = response;
    try {
      this.#server.requested(this, request, response);
    } finally {
      LeanRequest.complete(request);
    }
  }

  // {@link ResponseOwner}

  isClearFor(response: LeanResponse): boolean {
    return response === this.#response && this.link.isClear;
  }

  send(data: string | Uint8Array, encoding: BufferEncoding): void {
    this.link.send(data, encoding);
  }

  sendAnswer(bytes: Buffer, length: number): void {
    this.link.sendAnswer(bytes, length);
  }

  ended(response: LeanResponse): void {
    if (isLast(response) || this.#isOver) return;
    // What comes behind it need not wait until its listeners are told.
    this.#response = undefined;
  }

  finished(response: LeanResponse): void {
    const request = response.req;
    this.#server.answered(this, request, response);
    if (this.#request === request) this.#request = undefined;
    LeanRequest.answered(request);
    LeanResponse.detach(response);
    const isCurrent = this.#response === response;
    if (isCurrent) this.#response = undefined;
    if (this.#isOver) {
      // Its client had ended before, and what the program has made of that has left the connection open for this answer.
      if (isCurrent && this.link.socket.readableEnded) this.link.socket.destroySoon();
      return;
    }
    if (isLast(response)) return this.link.socket.destroySoon();
    if (this.#response !== undefined || this.#isReading) return;
    const { socket } = this.link;
    if (socket.timeout) socket.setTimeout(0);
    if (this.#input !== undefined) this.#read();
    else if (this.line === undefined) this.#server.awaitRequest(this);
  }

  // What ends it here

  /** node:http has what comes now, and what waits. */
  handOver(): void {
    this.#handOver(this.#input);
  }

  #handOver(bytes: Buffer | undefined): void {
    this.#input = undefined;
    this.#joined = undefined;
    this.#end();
    const { socket } = this.link;
    socket.off('end', this.#onEnd);
    socket.off('drain', this.#onDrain);
    socket.off('error', this.#onError);
    socket.off('timeout', this.#onTimeout);
    if (socket.timeout) socket.setTimeout(0);
    // One that waits for its answer hears from here of the close; by it node:http knows whether there may be an answer of its own.
    if (this.#response === undefined) {
      socket.off('close', this.#onClose);
      untyped(socket)._httpMessage = null;
    }
    this.#resume();
    this.link.handOver(bytes);
  }

  #end(): void {
    this.#isOver = true;
    this.line?.leave(this);
    this.#server.over(this);
  }

  #pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.link.pause();
  }

  #resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.link.resume();
  }

  /**
   * The client sends no more, or has left: of a request that is not whole nothing will come, and what waits behind an answer will have
   * none. To be called before the socket is told. True: node:http has what there is, and the program is to have read it before it hears
   * of the end.
   */
  inputEnds(): boolean {
    if (this.#input === undefined || this.#isOver) return false;
    this.handOver();
    return true;
  }

  /** As node:http has it, a client that sends no more does not wait for its answer: the close, which follows, aborts its request. */
  readonly #onEnd = () => {
    const { socket } = this.link;
    if (socket.writable) socket.end();
  };

  readonly #onDrain = () => {
    if (this.#response !== undefined) LeanResponse.drain(this.#response);
  };

  readonly #onClose = () => {
    this.#end();
    const response = this.#response;
    this.#abort();
    if (response !== undefined) LeanResponse.close(response);
  };

  #abort(): void {
    const request = this.#request;
    this.#request = undefined;
    request?.destroy(Object.assign(new Error('aborted'), { code: 'ECONNRESET' }));
  }

  readonly #onError = (error: Error) => {
    const { socket } = this.link;
    if (!this.#server.server.emit('clientError', error, socket)) socket.destroy(error);
  };

  readonly #onTimeout = () => {
    const { socket } = this.link;
    const isHeard = this.#response?.emit('timeout', socket) === true;
    if (!this.#server.server.emit('timeout', socket) && !isHeard) socket.destroy();
  };
}

function isLast(response: LeanResponse): boolean {
  return (response as unknown as UntypedResponse)._last;
}

function untyped(socket: unknown): UntypedSocket {
  return socket as UntypedSocket;
}

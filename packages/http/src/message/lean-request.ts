import { type IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { RequestHead } from '../head/request-head.js';
import { NODE_HEADERS, type UntypedRequest } from './node-internals.js';

/**
 * A request that has come whole: node:http's, which is given what was read instead of a parser. Its body is given when it is asked for.
 * A framework may set another prototype on it (Express does): what has to hold then as well lies on the object itself.
 */
export class LeanRequest extends IncomingMessage {
  readonly #head: RequestHead;
  #body: Buffer | undefined;
  #hasHeaders = false;
  /** It was read from while the program had not seen all of it. */
  #isAsked = false;
  /** It was answered without being read, and nothing listens to it: its end is told once something does. */
  #isLeft = false;

  constructor(socket: Socket, method: string, target: string, head: RequestHead, body: Buffer | undefined) {
    super(socket);
    this.#head = head;
    this.#body = body;
    this.method = method;
    this.url = target;
    this.httpVersionMajor = this.httpVersionMinor = 1;
    this.httpVersion = '1.1';
    const { rawHeaders } = head;
    untyped(this)._addHeaderLines(rawHeaders.slice(), rawHeaders.length);
    untyped(this)._read = read;
  }

  static {
    // Accessors in node:http as well, which its types call a property.
    Object.defineProperty(LeanRequest.prototype, 'headers', {
      get(this: LeanRequest) {
        if (!this.#hasHeaders) this.#takeHeaders();
        return NODE_HEADERS.get.call(this);
      },
      set(this: LeanRequest, headers: IncomingHttpHeaders) {
        this.#hasHeaders = true;
        NODE_HEADERS.set.call(this, headers);
      },
      configurable: true,
    });
  }

  /** Requests of one head have each an object of their own, which the program may change. */
  #takeHeaders(): void {
    this.#hasHeaders = true;
    const { headers } = this.#head;
    if (headers !== undefined) return NODE_HEADERS.set.call(this, { ...headers });
    const own = NODE_HEADERS.get.call(this) as IncomingHttpHeaders;
    // The one field whose value is an array, which a copy would share.
    if (own['set-cookie'] === undefined) this.#head.headers = { ...own };
  }

  /** The program has had its turn with the head: the request is whole, as it is for node:http once its parser goes on. */
  static complete(message: LeanRequest): void {
    message.complete = true;
    if (message.#isAsked) LeanRequest.giveBody(message);
  }

  /** @internal Gives the stream what the request has. */
  static giveBody(message: LeanRequest): void {
    const request = untyped(message);
    if (!request._consuming) {
      request._readableState.readingMore = false;
      request._consuming = true;
    }
    message.#isAsked = !message.complete;
    if (message.#isAsked) return;
    const body = message.#body;
    message.#body = undefined;
    if (body !== undefined) message.push(body);
    message.push(null);
  }

  /** Its response has ended: what was not read of it is dropped. Static, for it may have another prototype by now. */
  static answered(message: LeanRequest): void {
    const request = untyped(message);
    if (request._consuming || request._readableState.resumeScheduled) return;
    if (request._eventsCount === 0 && Object.getPrototypeOf(message) === LeanRequest.prototype)
      message.#isLeft = true;
    else LeanRequest.#drop(message);
  }

  /** Its end comes without its body, as where nobody reads what a parser gives. */
  static #drop(this: void, message: LeanRequest): void {
    message.#body = undefined;
    message.push(null);
    untyped(message)._dump();
  }

  #leave(): void {
    this.#isLeft = false;
    process.nextTick(LeanRequest.#drop, this);
  }

  override on(event: string | symbol, listener: (...args: never[]) => void): this {
    if (this.#isLeft) this.#leave();
    return super.on(event as string, listener as () => void);
  }

  override addListener(event: string | symbol, listener: (...args: never[]) => void): this {
    return this.on(event, listener);
  }
}

function read(this: LeanRequest): void {
  LeanRequest.giveBody(this);
}

function untyped(request: IncomingMessage): UntypedRequest {
  return request as unknown as UntypedRequest;
}

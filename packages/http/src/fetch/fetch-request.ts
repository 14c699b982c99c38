import type { IncomingMessage, ServerResponse } from 'node:http';
import { requestBody } from './request-body.js';

/** A request and what it is answered by. */
export interface Exchange {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly url: string;
  /** Once the program has asked for the signal. */
  abort?: AbortController;
}

/** The `Request` of `exchange`: one that becomes Node's own where more is asked of it than most handlers ask. */
export function requestOf(exchange: Exchange): Request {
  lazy ??= makeLazyClass();
  return lazy === 'none' ? realRequest(exchange) : new lazy(exchange);
}

type LazyClass = new (exchange: Exchange) => Request;

/** `'none'`: nothing but Node's own can be given to its `fetch` and `Request`. */
let lazy: LazyClass | 'none' | undefined;

function realRequest(exchange: Exchange, headers = headersOf(exchange)): Request {
  const { incoming, outgoing, url } = exchange;
  const { method } = incoming;
  const init: RequestInit & { duplex?: 'half' } = {
    method: method as string,
    headers,
    signal: signalOf(exchange),
  };
  if (method !== 'GET' && method !== 'HEAD' && hasBody(incoming)) {
    init.body = requestBody(incoming, outgoing);
    init.duplex = 'half';
  }
  return new Request(url, init);
}

function hasBody({ headers }: IncomingMessage): boolean {
  const length = headers['content-length'];
  return headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
}

function headersOf({ incoming: { rawHeaders } }: Exchange): Headers {
  const headers = new Headers();
  for (let i = 0; i + 1 < rawHeaders.length; i += 2)
    headers.append(rawHeaders[i] as string, rawHeaders[i + 1] as string);
  return headers;
}

/** Is aborted when the client leaves before it has its answer. */
function signalOf(exchange: Exchange): AbortSignal {
  if (exchange.abort === undefined) {
    const { outgoing } = exchange;
    const abort = new AbortController();
    exchange.abort = abort;
    const onClose = () => {
      if (!outgoing.writableFinished) abort.abort();
    };
    if (outgoing.destroyed) onClose();
    else outgoing.once('close', onClose);
  }
  return exchange.abort.signal;
}

/**
 * To make a `Request` costs more than to answer most requests, so one is made where something is asked that this one does not know. Node's own
 * functions look into it by symbols, which lead to the one that is made; where they have private fields (from Node 24 on) nothing
 * can stand for one.
 */
function makeLazyClass(): LazyClass | 'none' {
  const symbols = Object.getOwnPropertySymbols(new Request('http://localhost/'));
  if (symbols.length === 0) return 'none';

  class LazyRequest {
    readonly #exchange: Exchange;
    #headers: Headers | undefined;
    #real: Request | undefined;

    constructor(exchange: Exchange) {
      this.#exchange = exchange;
    }

    static real(request: LazyRequest): Request {
      request.#real ??= realRequest(request.#exchange, request.#headers);
      return request.#real;
    }

    get method(): string {
      return this.#exchange.incoming.method as string;
    }

    get url(): string {
      return this.#exchange.url;
    }

    get headers(): Headers {
      this.#headers ??= this.#real?.headers ?? headersOf(this.#exchange);
      return this.#headers;
    }

    get signal(): AbortSignal {
      return this.#real?.signal ?? signalOf(this.#exchange);
    }
  }
  const { prototype } = LazyRequest;
  for (const [name, { get, value }] of Object.entries(Object.getOwnPropertyDescriptors(Request.prototype))) {
    if (Object.hasOwn(prototype, name)) continue;
    if (get !== undefined)
      define(prototype, name, {
        get: (request: LazyRequest) => Reflect.get(LazyRequest.real(request), name),
      });
    else if (typeof value === 'function')
      define(prototype, name, {
        value: (request: LazyRequest) => Reflect.apply(value, LazyRequest.real(request), []),
      });
  }
  for (const symbol of symbols)
    define(prototype, symbol, {
      get: (request: LazyRequest) => Reflect.get(LazyRequest.real(request), symbol),
    });
  Object.setPrototypeOf(prototype, Request.prototype);
  Object.defineProperty(prototype, 'constructor', { value: Request, configurable: true, writable: true });
  return LazyRequest as unknown as LazyClass;

  function define(
    on: object,
    name: PropertyKey,
    { get, value }: { get?: (request: LazyRequest) => unknown; value?: (request: LazyRequest) => unknown },
  ): void {
    if (get !== undefined)
      Object.defineProperty(on, name, {
        get(this: LazyRequest) {
          return get(this);
        },
        configurable: true,
      });
    else
      Object.defineProperty(on, name, {
        value(this: LazyRequest) {
          return value?.(this);
        },
        configurable: true,
        writable: true,
      });
  }
}

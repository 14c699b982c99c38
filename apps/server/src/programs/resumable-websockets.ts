import { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { checkOptions, optionNames } from '@millrace/channel';
import {
  type Keeper,
  type Kept,
  type KeptRequest,
  RESUMABLE,
  type ResumableSocket,
  resumers,
  type WebSocketOwner,
} from '../contract/resumable.js';
import { ServerError } from '../errors.js';
import { STATE_BYTES } from '../shared/resume-layout.js';

/** A `WebSocket` of the package `ws`, as far as it is needed here. */
export interface WebSocketLike {
  readonly readyState: number;
  readonly bufferedAmount: number;
  close(code?: number, data?: string): void;
  pause(): void;
  resume(): void;
  eventNames(): readonly (string | symbol)[];
  listeners(event: string | symbol): readonly unknown[];
  removeAllListeners(event?: string | symbol): unknown;
  on(event: 'close', listener: () => void): unknown;
}

/** A `WebSocketServer` of that package. */
export interface WebSocketServerLike<Socket extends WebSocketLike> {
  readonly clients: Set<Socket>;
  handleUpgrade(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    callback: (webSocket: Socket) => void,
  ): void;
  prependListener(
    event: 'connection',
    listener: (webSocket: Socket, request: IncomingMessage) => void,
  ): unknown;
  prependListener(event: 'headers', listener: (headers: string[], request: IncomingMessage) => void): unknown;
}

/** What a process finds of a WebSocket that it goes on with. */
export interface Resumption {
  /** What was kept last; empty, where nothing was. */
  readonly state: Buffer;
  /** The request that the WebSocket came by: its method, url and headers. */
  readonly request: IncomingMessage;
  /** Messages of the client that programs have taken since the state was kept: 0 says that it tells of all of them. */
  readonly unsettled: number;
}

export interface ResumableHandlers<Socket> {
  /** By this name another process finds these handlers; needed where a program has more than one such server. Default: `'default'`. */
  readonly name?: string;
  /**
   * Goes on with a WebSocket that another process has had: adds listeners, as the handler of `'connection'` does. No message is given to
   * it before it has returned, or its promise is fulfilled; where it throws, the client is told 1011.
   */
  readonly resume: (webSocket: Socket, resumption: Resumption) => void | Promise<void>;
  /**
   * This process lets a WebSocket go, in a reload: no message comes any more, and what is sent until this has returned, or its promise is
   * fulfilled, goes out. After that its listeners are gone, and it is closed as far as this process knows.
   */
  readonly suspend?: (webSocket: Socket) => void | Promise<void>;
}

export interface Resumable<Socket> {
  /**
   * Keeps up to 4,096 bytes for the process that goes on with this WebSocket, in place of what was kept before. False: none can, for this
   * connection ends with this process. Throws `ERR_MILLRACE_KEEP_SIZE` for more.
   */
  keep(webSocket: Socket, state: string | Uint8Array): boolean;
  /** Whether another process can go on with this WebSocket. */
  canResume(webSocket: Socket): boolean;
}

const OPTIONS = optionNames<ResumableHandlers<never>>({ name: true, resume: true, suspend: true });

/** States of a WebSocket. */
const OPEN = 1;

/** Header lines of an answer to an upgrade that tell what was accepted. */
const ACCEPTED = /^sec-websocket-(protocol|extensions):/i;
/** What the client compresses refers to what it has sent before, which another process has not seen. */
const TAKES_CONTEXT_OVER = /permessage-deflate(?!.*client_no_context_takeover)/i;

/**
 * Has the WebSockets of a server of the package `ws` outlast the process: when it dies, or in a reload, `resume` is called in the
 * process that goes on with them, for each that is between two messages. Call it before the program listens.
 *
 * @example
 * const chat = resumable(webSocketServer, {
 *   resume: (webSocket, { state }) => serve(webSocket, JSON.parse(state.toString())),
 * });
 * webSocketServer.on('connection', (webSocket, request) => {
 *   const user = userOf(request);
 *   chat.keep(webSocket, JSON.stringify(user));
 *   serve(webSocket, user);
 * });
 */
export function resumable<Socket extends WebSocketLike>(
  server: WebSocketServerLike<Socket>,
  handlers: ResumableHandlers<Socket>,
): Resumable<Socket> {
  checkOptions(handlers, OPTIONS, 'resumable');
  const { name = 'default', resume, suspend } = handlers;
  if (typeof resume !== 'function')
    throw new ServerError('ERR_MILLRACE_OPTION', `resumable needs a function resume, not ${String(resume)}.`);
  if (resumers().has(name))
    throw new ServerError(
      'ERR_MILLRACE_RESUMABLE_NAME',
      `WebSockets are resumed by the name ${JSON.stringify(name)} already. Give each server a name of its own: resumable(server, { name: … }).`,
    );
  const accepted = new WeakMap<IncomingMessage, string[]>();
  const keepers = new WeakMap<Socket, Keeper>();
  server.prependListener('headers', (headers, request) => {
    accepted.set(
      request,
      headers.filter((line) => ACCEPTED.test(line)),
    );
  });
  server.prependListener('connection', (webSocket, request) => {
    const { socket, url = '', rawHeaders } = request;
    const lines = accepted.get(request);
    const keeps = (socket as ResumableSocket)[RESUMABLE]?.bind(socket);
    if (keeps === undefined || lines === undefined || TAKES_CONTEXT_OVER.test(lines.join('\n'))) return;
    const kept: KeptRequest = { name, url, headers: rawHeaders, accepted: lines };
    const keeper = keeps(kept, new Owner(server, webSocket, socket, suspend));
    if (keeper !== undefined) keepers.set(webSocket, keeper);
  });
  resumers().set(name, {
    resume(socket, kept, keeper) {
      const request = requestOf(socket, kept.request);
      const webSocket = upgradeAgain(server, request, socket, kept.request.accepted);
      if (webSocket === undefined) return undefined;
      keepers.set(webSocket, keeper);
      const owner = new Owner(server, webSocket, socket, suspend);
      return { owner, begin: () => begin(webSocket, resume, request, kept) };
    },
  });
  return {
    keep(webSocket, state) {
      const bytes = typeof state === 'string' ? Buffer.from(state) : state;
      if (bytes.length > STATE_BYTES)
        throw new ServerError(
          'ERR_MILLRACE_KEEP_SIZE',
          `Up to ${STATE_BYTES} bytes are kept with a WebSocket, not ${bytes.length}. Keep the rest where all processes find it, and its key here.`,
        );
      return keepers.get(webSocket)?.keep(bytes) ?? false;
    },
    canResume: (webSocket) => keepers.get(webSocket)?.canResume ?? false,
  };
}

const NO_STATE = Buffer.alloc(0);

function begin<Socket extends WebSocketLike>(
  webSocket: Socket,
  resume: ResumableHandlers<Socket>['resume'],
  request: IncomingMessage,
  { state = NO_STATE, unsettled }: Kept,
): void | Promise<void> {
  const going = resume(webSocket, { state, request, unsettled });
  if (typeof going?.then !== 'function') return;
  webSocket.pause();
  return going.then(() => webSocket.resume());
}

/** The request as node:http would have made it. */
function requestOf(socket: Duplex, { url, headers }: KeptRequest): IncomingMessage {
  const request = new IncomingMessage(socket as ConstructorParameters<typeof IncomingMessage>[0]);
  Object.assign(request, {
    method: 'GET',
    url,
    httpVersion: '1.1',
    httpVersionMajor: 1,
    httpVersionMinor: 1,
    upgrade: true,
  });
  // What the parser calls; no part of the types, and the same in all versions.
  const untyped = request as unknown as { _addHeaderLines(lines: readonly string[], count: number): void };
  untyped._addHeaderLines(headers, headers.length);
  request.complete = true;
  request.push(null);
  return request;
}

/** What of a server the second handshake sees in another way. */
interface Untyped {
  readonly options: object;
  emit(event: string, ...args: unknown[]): boolean;
}

/**
 * Makes the WebSocket of a socket whose client has been answered already, as the server did then: the request is the same, and so is
 * what is accepted of it, unless the program has changed that. The program verifies nobody again, and hears of no handshake.
 */
function upgradeAgain<Socket extends WebSocketLike>(
  server: WebSocketServerLike<Socket>,
  request: IncomingMessage,
  socket: Duplex,
  before: readonly string[],
): Socket | undefined {
  let lines: readonly string[] = [];
  const options = { ...(server as unknown as Untyped).options, verifyClient: null };
  const emit = (event: string, headers: readonly string[]) => {
    if (event === 'headers') lines = headers.filter((line) => ACCEPTED.test(line));
    return true;
  };
  const again = new Proxy(server, {
    get: (target, key) => (key === 'options' ? options : key === 'emit' ? emit : Reflect.get(target, key)),
  });
  let made: Socket | undefined;
  again.handleUpgrade(request, socket, NO_STATE, (webSocket) => {
    made = webSocket;
  });
  if (made !== undefined && lines.join('\n') === before.join('\n')) return made;
  if (made !== undefined) forget(server, made);
  return undefined;
}

/** The program's listeners are gone; those that the server had put there before are left. */
function forget<Socket extends WebSocketLike>(server: WebSocketServerLike<Socket>, webSocket: Socket): void {
  for (const event of webSocket.eventNames()) webSocket.removeAllListeners(event);
  server.clients?.delete(webSocket);
}

/** What `ws` has beyond its types: where frames wait to be understood. */
interface HasReceiver {
  readonly _receiver?: { readonly writableLength: number };
}

class Owner<Socket extends WebSocketLike> implements WebSocketOwner {
  readonly #server: WebSocketServerLike<Socket>;
  readonly #webSocket: Socket;
  readonly #socket: Duplex;
  readonly #suspend: ResumableHandlers<Socket>['suspend'];
  /** Listeners that the server itself has: by them it knows when it has no client any more. */
  readonly #own: readonly unknown[];

  constructor(
    server: WebSocketServerLike<Socket>,
    webSocket: Socket,
    socket: Duplex,
    suspend: ResumableHandlers<Socket>['suspend'],
  ) {
    this.#server = server;
    this.#webSocket = webSocket;
    this.#socket = socket;
    this.#suspend = suspend;
    this.#own = webSocket.listeners('close');
  }

  get isOpen(): boolean {
    return this.#webSocket.readyState === OPEN && !this.#socket.destroyed;
  }

  get isIdle(): boolean {
    const { _receiver } = this.#webSocket as HasReceiver;
    if (!this.isOpen || this.#webSocket.bufferedAmount > 0 || this.#socket.readableLength > 0) return false;
    return _receiver?.writableLength === 0;
  }

  async suspend(): Promise<void> {
    await this.#suspend?.(this.#webSocket);
  }

  leave(): void {
    forget(this.#server, this.#webSocket);
    for (const listener of this.#own) this.#webSocket.on('close', listener as () => void);
    this.#socket.destroy();
  }

  fail(): void {
    this.#webSocket.close(1011);
    // The client's answer is waited for.
    this.#webSocket.resume();
  }
}

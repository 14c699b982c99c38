import { setImmediate } from 'node:timers/promises';
import { type Bytes, checkHandlers, checkOptions, checkTimeout, optionNames, shown } from '@millrace/channel';
import { type ChildProcessContext, inherit } from '../child/child.js';
import { ProcessPoolError } from '../errors.js';
import { BUS, REQUESTS } from '../wire/protocol.js';
import { ClientConnection } from './client-connection.js';
import { RequestTaker } from './request-taker.js';

/** What a member has sent over the bus. */
export interface MemberMessage {
  readonly data: unknown;
  /** The member that has sent it. */
  readonly from: string;
  /** Throws `ERR_MILLRACE_NOT_ENABLED`: a member is answered with the bus. */
  write(bytes: Bytes | string): void;
}

/** What a client asks for. */
export interface ClientRequest {
  /** The body of the request. */
  readonly data: Buffer;
  readonly from: undefined;
  /** Adds to the answer, which the client gets as one frame when the handler is done; without any its connection just ends. */
  write(bytes: Bytes | string): void;
}

/** Something to be handled; `from` tells which of the two it is. */
export type PoolMessage = MemberMessage | ClientRequest;

/** The next step waits for what a handler returns, where that is a promise. */
export interface WorkerHandlers {
  /** Before the worker is ready. */
  readonly workerStart?: (worker: ChildProcessContext) => unknown;
  /** One at a time; the next waits until this one is done. */
  readonly message?: (message: PoolMessage, worker: ChildProcessContext) => unknown;
  /** When the worker has been asked to stop and the last message is done; then the process exits with 0. */
  readonly workerStop?: (worker: ChildProcessContext) => unknown;
  /** A message handler has failed; its client has no answer. Default: written to standard error. */
  readonly error?: (error: unknown) => void;
}

export interface WorkerOptions {
  /** Bytes of the largest request; the connection of a client that announces more is closed. Default 2 MiB. */
  readonly maxRequestSize?: number;
  /** Milliseconds that a client has to send its request, and to take its answer. Default 10,000. */
  readonly clientTimeout?: number;
}

const WORKER_HANDLERS = optionNames<WorkerHandlers>({
  workerStart: true,
  message: true,
  workerStop: true,
  error: true,
});
const WORKER_OPTIONS = optionNames<WorkerOptions>({ maxRequestSize: true, clientTimeout: true });

const DEFAULT_MAX_REQUEST_SIZE = 2 << 20;
const DEFAULT_CLIENT_TIMEOUT_MS = 10_000;

/**
 * The life of a pool's worker: start, messages one at a time from the bus and from clients, an orderly stop. Resolves
 * when the worker is ready. Throws `ERR_MILLRACE_NOT_ENABLED` in a process that is no member of a pool.
 */
export async function runWorker(
  handlers: WorkerHandlers,
  options: WorkerOptions = {},
): Promise<ChildProcessContext> {
  checkHandlers(handlers, WORKER_HANDLERS, 'runWorker()');
  checkOptions(options, WORKER_OPTIONS, 'runWorker()');
  const { maxRequestSize = DEFAULT_MAX_REQUEST_SIZE } = options;
  if (typeof maxRequestSize !== 'number' || !(maxRequestSize >= 0))
    throw new ProcessPoolError(
      'ERR_MILLRACE_POOL_ARGUMENT',
      `'maxRequestSize' is a number of bytes from 0 on, or Infinity, not ${shown(maxRequestSize)}.`,
      { value: maxRequestSize },
    );
  const context = inherit();
  if (context === undefined)
    throw new ProcessPoolError(
      'ERR_MILLRACE_NOT_ENABLED',
      'runWorker is for processes that a ProcessPool has started.',
    );
  await new Worker(context, handlers, options).start();
  return context;
}

/** As a socket of Node's takes it: 0 is no limit there, and more than 31 bits are too many. */
function socketTimeout(ms: number): number {
  return ms === Number.POSITIVE_INFINITY ? 0 : Math.min(Math.max(Math.ceil(ms), 1), 2 ** 31 - 1);
}

class Worker {
  readonly #context: ChildProcessContext;
  readonly #handlers: WorkerHandlers;
  readonly #options: WorkerOptions;
  readonly #clientTimeout: number;
  readonly #waiting: { readonly message: PoolMessage; readonly client: ClientConnection | undefined }[] = [];
  /** Clients that have been answered, and have not taken all of it yet. */
  readonly #answered = new Set<ClientConnection>();
  #requests: RequestTaker | undefined;
  #working: Promise<void> | undefined;
  #stopping = false;
  #started: Promise<unknown> | undefined;

  constructor(context: ChildProcessContext, handlers: WorkerHandlers, options: WorkerOptions) {
    this.#context = context;
    this.#handlers = handlers;
    this.#options = options;
    const { clientTimeout = DEFAULT_CLIENT_TIMEOUT_MS } = options;
    this.#clientTimeout = checkTimeout(clientTimeout, 'clientTimeout');
    context.onStop(() => void this.#stop());
    context.onDetach(() => this.#admit());
  }

  async start(): Promise<void> {
    const context = this.#context;
    if (this.#handlers.message && context.descriptors.has(BUS))
      context.bus.on('message', ({ value, from }) => this.#take({ data: value, from, write: notAClient }));
    this.#started = (async () => this.#handlers.workerStart?.(context))();
    await this.#started;
    if (this.#stopping) return;
    context.ready();
    // What the worker has sent to itself is there in the next turn, and comes before any client.
    await setImmediate();
    await this.#working;
    if (this.#stopping || !this.#handlers.message || !context.descriptors.has(REQUESTS)) return;
    const { maxRequestSize = DEFAULT_MAX_REQUEST_SIZE } = this.#options;
    this.#requests = new RequestTaker(context.descriptor(REQUESTS), (fd, data) => {
      const client = new ClientConnection(fd, socketTimeout(this.#clientTimeout));
      this.#take({ data, from: undefined, write: (bytes) => client.write(bytes) }, client);
    });
    context.serves(maxRequestSize, this.#clientTimeout);
    this.#admit();
  }

  /** Takes a client's request only while nothing is worked on: the others are for neighbours. */
  #admit(): void {
    if (this.#requests) this.#requests.taking = !this.#stopping && !this.#context.detached && !this.#working;
  }

  #take(message: PoolMessage, client?: ClientConnection): void {
    this.#waiting.push({ message, client });
    this.#working ??= this.#work();
    this.#admit();
  }

  async #work(): Promise<void> {
    // Nothing is handled before the worker has started.
    await this.#started;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift())
      await this.#handle(next.message, next.client);
    this.#working = undefined;
    this.#admit();
  }

  async #handle(message: PoolMessage, client: ClientConnection | undefined): Promise<void> {
    try {
      await this.#handlers.message?.(message, this.#context);
      if (client) this.#finish(client);
    } catch (error) {
      client?.destroy();
      if (this.#handlers.error) this.#handlers.error(error);
      else console.error(error);
    }
    this.#context.jobDone();
  }

  #finish(client: ClientConnection): void {
    this.#answered.add(client);
    void client.gone.then(() => this.#answered.delete(client));
    client.finish();
  }

  async #stop(): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#requests?.close();
    this.#requests = undefined;
    await this.#started;
    await this.#working;
    await Promise.all([...this.#answered].map(({ gone }) => gone));
    await this.#handlers.workerStop?.(this.#context);
    process.exit(0);
  }
}

function notAClient(): never {
  throw new ProcessPoolError(
    'ERR_MILLRACE_NOT_ENABLED',
    'write answers clients; a member is answered with bus.send(message.from, …).',
  );
}

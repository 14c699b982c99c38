import { didYouMean, optionNames } from '@millrace/channel';
import { ServerError } from '../errors.js';
import type { ProcessId } from './ids.js';
import type { PacketClient } from './packet-client.js';
import type { ReloadResult } from './reload.js';
import type { CloseInfo, Session } from './session.js';
import type { Message } from './types.js';

/** How a process of the server ended abnormally. */
export interface WorkerExit {
  /** Event workers count from 0, task workers go on from there. */
  readonly workerId: number;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Milliseconds that it lived. */
  readonly uptime: number;
}

/** A task in Swoole's own form. */
export interface Task {
  readonly id: number;
  /**
   * The process that asked, by its flat id, `'manager'` or `'master'`; -1: another program, or an earlier run of the server,
   * and no process is told of the result.
   */
  readonly workerId: ProcessId;
  readonly data: unknown;
  /** Sends a result to the worker that asked, now or later, once or several times; what the handler returns is one more. */
  finish(data: unknown): void;
}

/** A task's result in Swoole's own form. */
export interface TaskResultEvent {
  readonly id: number;
  readonly data: unknown;
}

/**
 * Events of one listener; those of the server hold for every listener that has none of its own. Handlers may return whatever
 * they like; what is a promise is waited for where the event says so, and its rejection is the handler's failure.
 */
export interface PortEvents {
  /** In the worker: a client has connected. */
  connect: (session: Session) => unknown;
  /** In the worker: a message of a client has arrived; the bytes are the handler's own. */
  receive: (session: Session, data: Buffer) => unknown;
  /** In the worker: a connection is closed. */
  close: (session: Session, info: CloseInfo) => unknown;
  /** In a worker: a datagram has arrived; the bytes are the handler's own. */
  packet: (data: Buffer, client: PacketClient) => unknown;
  /** In the worker: more than `bufferHighWatermark` waits for a client, which is not read from meanwhile. */
  bufferFull: (session: Session) => unknown;
  /** In the worker: no more than `bufferLowWatermark` waits for it any more. */
  bufferEmpty: (session: Session) => unknown;
}

export const PORT_EVENTS = [
  'connect',
  'receive',
  'close',
  'packet',
  'bufferFull',
  'bufferEmpty',
] as const satisfies readonly (keyof PortEvents)[];

/** Every event, with the process that it happens in. */
export interface ServerEvents extends PortEvents {
  /** In the master: connections are accepted. */
  start: () => unknown;
  /** In the master: the server is to end, and nothing has been told so yet. It waits up to `maxWaitTime` for this. */
  beforeShutdown: () => unknown;
  /** In the master: everything has ended. */
  shutdown: () => unknown;
  /** In the manager, before it starts its processes. */
  managerStart: () => unknown;
  /** In the manager: its last process has ended. */
  managerStop: () => unknown;
  /** In the manager: processes are about to be replaced. */
  beforeReload: () => unknown;
  /** In the manager: the last process that was replaced has ended; or the reload has failed. */
  afterReload: (result: ReloadResult) => unknown;
  /**
   * In a worker or task worker, before it gets anything to do. In a reload the process before still works meanwhile;
   * what is sent to sessions from here goes out once this process has its place.
   */
  workerStart: (workerId: number) => unknown;
  /**
   * In a worker or task worker that has finished what it had and is to end, again and again while timers, sockets or
   * the like keep its loop; not once when nothing does. End them here, and the process ends; after `maxWaitTime` it
   * does so anyway, and the log says what was left.
   */
  workerExit: (workerId: number) => unknown;
  /** In a worker or task worker that ends in the orderly way. */
  workerStop: (workerId: number) => unknown;
  /** In the manager: a process has died, and is replaced afterwards. */
  workerError: (exit: WorkerExit) => unknown;
  /**
   * In a worker: a handler of a session's or a datagram's event has thrown, or its promise was rejected. Without a
   * handler for it, the error is logged and the session closed. What this handler throws is an uncaught error.
   */
  error: (error: unknown, session: Session | undefined) => unknown;
  /** In any process: another one has sent a message; `source` is its flat id, `'manager'` or `'master'`. */
  pipeMessage: (source: ProcessId, message: Message) => unknown;
  /** In a task worker: a task of Swoole's own form; what it returns, unless that is nothing, is a result. */
  task: (task: Task) => unknown;
  /** In the worker that asked: each result of a task of Swoole's own form. */
  finish: (result: TaskResultEvent) => unknown;
}

export const SERVER_EVENTS = optionNames<ServerEvents>({
  connect: true,
  receive: true,
  close: true,
  packet: true,
  bufferFull: true,
  bufferEmpty: true,
  start: true,
  beforeShutdown: true,
  shutdown: true,
  managerStart: true,
  managerStop: true,
  beforeReload: true,
  afterReload: true,
  workerStart: true,
  workerExit: true,
  workerStop: true,
  workerError: true,
  error: true,
  pipeMessage: true,
  task: true,
  finish: true,
});

/** Throws `ERR_MILLRACE_OPTION` for an event that there is not, or a handler that is none. */
export function checkEvent(event: unknown, handler: unknown, known: Iterable<string>): void {
  const names = [...known];
  if (typeof event !== 'string' || !names.includes(event))
    throw new ServerError(
      'ERR_MILLRACE_UNKNOWN_EVENT',
      `There is no event '${String(event)}'${didYouMean(String(event), names)}`,
    );
  checkHandler(`'${event}'`, handler);
}

/** Refuses what cannot be called in the program that says it, and not in the process that would call it. */
export function checkHandler(of: string, handler: unknown): void {
  if (typeof handler === 'function') return;
  throw new ServerError('ERR_MILLRACE_OPTION', `The handler of ${of} is a function, not ${typeof handler}.`);
}

/** Handlers by event, in the order they were added. */
export class Handlers<Events> {
  readonly #handlers: { [Name in keyof Events]?: Events[Name][] } = {};

  add<Name extends keyof Events>(name: Name, handler: Events[Name]): void {
    const list = this.#handlers[name];
    if (list) list.push(handler);
    else this.#handlers[name] = [handler];
  }

  get<Name extends keyof Events>(name: Name): readonly Events[Name][] {
    return this.#handlers[name] ?? [];
  }

  has(name: keyof Events): boolean {
    return this.get(name).length > 0;
  }
}

/** Runs lifecycle handlers one after the other, each to its end. */
export async function runInOrder<A extends unknown[]>(
  handlers: readonly ((...args: A) => unknown)[],
  ...args: A
) {
  for (const handler of handlers) await handler(...args);
}

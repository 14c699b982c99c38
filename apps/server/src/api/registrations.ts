import type { Columns, Table, TableDefinition } from '@millrace/shared-memory';
import { MAX_PORTS } from '../constants.js';
import {
  checkEvent,
  checkHandler,
  Handlers,
  type PortEvents,
  SERVER_EVENTS,
  type ServerEvents,
} from '../contract/events.js';
import { asListener, type ListenerIndex, type Unchecked } from '../contract/ids.js';
import type { ServerPlan } from '../contract/role.js';
import { ServerError } from '../errors.js';
import { type Topology, topologyOf } from '../links/topology.js';
import type { PortOptions } from '../options/port-options.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { resolvePort, servedPort } from '../options/resolve-options.js';
import type { ResolvedPort } from '../options/resolved-port.js';
import { planOf } from '../options/server-plan.js';
import type { ServedServer } from '../sockets/server-kinds.js';
import { reactorTlsOf } from '../sockets/server-tls.js';
import type { UserProcessHandler } from '../worker/user-process.js';
import { Port } from './port.js';
import { protocolOf } from './served.js';

import type { SharedTables } from './shared-tables.js';

/** What the program says of its server before `start`, the same in every process. */
export class Registrations {
  readonly options: ResolvedOptions;
  readonly handlers = new Handlers<ServerEvents>();
  readonly listeners: readonly Port[];
  readonly userProcesses: readonly UserProcessHandler[];
  readonly tables: SharedTables;
  readonly #listeners: Port[];
  readonly #userProcesses: UserProcessHandler[] = [];
  readonly #portHandlers: Handlers<PortEvents>[] = [];
  /** Once nothing is added any more. */
  #topology: Topology | undefined;

  /** `late`: listeners that a program asks for later, the first one among them. */
  constructor(options: ResolvedOptions, tables: SharedTables, late = 0) {
    this.options = options;
    this.tables = tables;
    this.#listeners = Array.from(
      { length: Math.max(1, late) },
      () => new Port(late > 0 ? servedPort(options.port, options.port.protocol, {}) : options.port),
    );
    this.listeners = this.#listeners;
    this.userProcesses = this.#userProcesses;
  }

  on<Name extends keyof ServerEvents>(event: Name, handler: ServerEvents[Name]): void {
    this.assertOpen('on');
    checkEvent(event, handler, SERVER_EVENTS);
    this.handlers.add(event, handler);
  }

  addListener(options: PortOptions): Port {
    this.assertOpen('addListener');
    this.#assertRoom();
    const port = new Port(resolvePort(options, this.options));
    this.#listeners.push(port);
    return port;
  }

  /** Has `server` serve a listener of its own, or the server's first. */
  serve(served: ServedServer, options: PortOptions | undefined): void {
    const { server } = served;
    this.assertOpen('serve');
    const [first] = this.#listeners as [Port];
    const { tls = options === undefined ? first.options.tls : undefined, path } = options ?? first.options;
    // Clients of a unix socket have no TLS in a reactor.
    const own = tls === undefined && path === undefined ? reactorTlsOf(server) : undefined;
    const protocol = protocolOf(server, tls !== undefined || own !== undefined);
    if (options !== undefined) {
      this.#assertRoom();
      const port = resolvePort({ ...options, ...(own && { tls: own }) }, this.options, protocol);
      this.#listeners.push(new Port({ ...port, tlsOfServer: own !== undefined }, served));
      return;
    }
    if (first.served !== undefined)
      throw new ServerError(
        'ERR_MILLRACE_OPTION',
        'The first listener is served already. Give serve a place for this one: server.serve(app, { port: 3001 }).',
      );
    const port = servedPort(first.options, protocol, {});
    const secured = own && resolvePort({ port: 0, tls: own }, this.options, protocol).tls;
    this.#listeners[0] = new Port(
      secured === undefined ? port : { ...port, tls: secured, tlsOfServer: true },
      served,
    );
  }

  /** Returns its flat id. */
  addProcess(handler: UserProcessHandler): number {
    this.assertOpen('addProcess');
    checkHandler('addProcess', handler);
    const { workerNum, taskWorkerNum } = this.options;
    return workerNum + taskWorkerNum + this.#userProcesses.push(handler) - 1;
  }

  addTable<const C extends Columns>(name: string, definition: TableDefinition<C>): Table<C> {
    this.assertOpen('addTable');
    return this.tables.add(name, definition);
  }

  /** Takes nothing more. */
  close(): void {
    this.#topology = this.topology;
  }

  /** Throws `ERR_MILLRACE_STARTED`. */
  assertOpen(method: string): void {
    if (this.#topology === undefined) return;
    throw new ServerError(
      'ERR_MILLRACE_STARTED',
      `${method} belongs before start; this server has been started.`,
    );
  }

  #assertRoom(): void {
    if (this.#listeners.length === MAX_PORTS)
      throw new ServerError('ERR_MILLRACE_OPTION', `A server has at most ${MAX_PORTS} listeners.`);
  }

  /** The servers that have the connections of listeners, by those; in a worker they are attached when it begins. */
  get served(): ReadonlyMap<ListenerIndex, ServedServer> {
    const all = new Map<ListenerIndex, ServedServer>();
    for (const [index, { served }] of this.#listeners.entries())
      if (served !== undefined) all.set(asListener(index), served);
    return all;
  }

  /** Whether requests of any listener are read by the engine that is lean, or may be once a program listens. */
  get isLean(): boolean {
    if (this.options.httpEngine === 'lean' && this.#listeners.some(({ options }) => options.late))
      return true;
    return this.#listeners.some(({ served }) => served?.engine === 'lean');
  }

  /** The options of all listeners. */
  get ports(): readonly ResolvedPort[] {
    return this.#listeners.map(({ options }) => options);
  }

  get topology(): Topology {
    return (
      this.#topology ?? topologyOf(this.options, this.ports, this.#userProcesses.length, this.tables.names)
    );
  }

  get plan(): ServerPlan {
    return planOf(this.options, this.ports, this.#userProcesses.length);
  }

  /** A listener's own handlers, and the server's for events that it has none for. */
  of(listener: Unchecked<ListenerIndex>): Handlers<PortEvents> {
    const made = this.#portHandlers[listener];
    if (made) return made;
    const merged = (this.#listeners[listener] as Port).handlersWith(this.handlers);
    this.#portHandlers[listener] = merged;
    return merged;
  }
}

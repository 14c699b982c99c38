import { NodePoller } from '@millrace/native';
import type { ChildProcessContext } from '@millrace/process-pool';
import { closeDescriptors, type Descriptors, findIn } from '@millrace/process-pool/links';
import type { DoorbellListener } from '@millrace/shared-memory/internal';
import { Handlers, type PortEvents } from '../contract/events.js';
import { asListener, asReactor, asSession, asWorker } from '../contract/ids.js';
import * as packet from '../links/packet.js';
import type { PacketChannel } from '../links/packet-channel.js';
import { LINK, linksOf, PEER, REACTOR } from '../links/server-plan.js';
import { OpenedResources } from '../links/shared-resources.js';
import type { Topology } from '../links/topology.js';
import { beat } from '../process/heartbeat.js';
import type { RoleContext } from '../process/role-context.js';
import { openLinks } from '../sessions/open-gateway.js';
import { SessionGateway } from '../sessions/session-gateway.js';
import { OPEN } from '../shared/connection-layout.js';
import { ConnectionSlot } from '../shared/connection-table.js';
import { CounterBlock } from '../shared/counter-block.js';
import { Sessions } from './sessions.js';

/** Sessions that it plays, each with one message under way. */
const CLIENTS = 32;
/** Messages of each: 500 in all are as good as 2,000, which take 70 ms of processor time more. */
const ROUNDS = 16;
const MESSAGE_BYTES = 64;
const RING_BYTES = 64 << 10;
const WORKER = asWorker(0);
const REACTOR_0 = asReactor(0);

interface Opened {
  readonly made: Descriptors;
  readonly resources: OpenedResources[];
  readonly listeners: DoorbellListener[];
  readonly channels: PacketChannel[];
}

/**
 * What serving takes, done once to no effect by a process that waits for the end of another: it opens links of its own, in memory of its
 * own, and answers messages of nobody's over them. All of that code runs for the first time there, and not while clients wait.
 *
 * Nothing of the program runs in it, and nothing that other processes see is touched.
 */
export class Rehearsal {
  readonly #opened: Opened;
  readonly #toWorker: PacketChannel;
  readonly #sessions: Sessions;
  readonly #gateway: SessionGateway;
  readonly #packet = new packet.Packet();
  readonly #message = Buffer.alloc(MESSAGE_BYTES);
  #answers = 0;
  #closed = false;
  #over: (error?: Error) => void = () => {};
  /** Resolves when it is over, or was closed; with an error where it has ended of one, by which nothing else is to end. */
  readonly over = new Promise<Error | undefined>((resolve) => {
    this.#over = resolve;
  });

  /** Throws `ERR_MILLRACE_NO_MEMORY` or `SystemCallError` where memory or descriptors do not suffice; then nothing stays open. */
  static open(context: RoleContext, like: Topology): Rehearsal {
    const topology = smallTopology(like);
    const opened: Opened = { made: linksOf(topology).create(), resources: [], listeners: [], channels: [] };
    try {
      return new Rehearsal(context, topology, opened);
    } catch (error) {
      closeAll(opened);
      throw error;
    }
  }

  private constructor(context: RoleContext, topology: Topology, opened: Opened) {
    this.#opened = opened;
    const find = findIn(opened.made);
    const worker = new OpenedResources(topology, PEER, WORKER, find);
    opened.resources.push(worker);
    const reactor = new OpenedResources(topology, REACTOR, REACTOR_0, find);
    opened.resources.push(reactor);
    const table = worker.connections();
    const counters = worker.counters();
    this.#gateway = new SessionGateway({
      channels: topology.reactors,
      datagrams: undefined,
      table,
      counters,
      tls: undefined,
      ports: context.ports,
      own: counters.process(WORKER),
      trace: worker.trace({ peer: WORKER }),
    });
    const links = openLinks(worker, topology, WORKER, (_, error) => this.#failed(error), context);
    opened.listeners.push(links.listener);
    opened.channels.push(...links.channels);
    this.#gateway.connect(links.channels, worker.fileSockets(), links);
    const block = new CounterBlock(counters.process(WORKER));
    const handlers = answering();
    this.#sessions = new Sessions({
      channels: links.channels,
      gateway: this.#gateway,
      counters: block,
      handlers: () => handlers,
      maxRequests: Number.POSITIVE_INFINITY,
      maxConcurrency: 0,
      retires: false,
      onServed: () => {},
      onFailure: (error) => this.#failed(error),
    });
    beat(counters.process(WORKER), { late: () => {}, beats: () => {} })();
    block.restore();
    const poller = new NodePoller();
    const listener = reactor.listen(poller, () => {});
    const codec = packet.packetCodec();
    opened.listeners.push(listener);
    const { channel } = reactor.links.end<packet.Packet>(LINK, WORKER, { codec, listener, poller });
    channel.on('message', () => this.#answered());
    this.#toWorker = channel;
    opened.channels.push(channel);
    const slot = new ConnectionSlot(table);
    for (let id = 1; id <= CLIENTS; id++) slot.take({ ...RECORD, session: asSession(id) });
  }

  /** Messages that have been answered. */
  get answered(): number {
    return this.#answers;
  }

  /** Begins. */
  run(): void {
    this.#sessions.start();
    this.#gateway.hear();
    const address = Buffer.from('127.0.0.1');
    for (let id = 1; id <= CLIENTS; id++)
      this.#toWorker.send(this.#packet.set(packet.ADOPT, id).with(address));
    this.#ask();
  }

  /** Gives up what it has opened. Idempotent. */
  close(): void {
    this.#end();
  }

  #end(error?: Error): void {
    if (this.#closed) return;
    this.#closed = true;
    closeAll(this.#opened);
    this.#over(error);
  }

  /** Nothing else of the process ends of it. What is closed there is still at work. */
  #failed(error: unknown): void {
    setImmediate(() => this.#end(error as Error));
  }

  #ask(): void {
    for (let id = 1; id <= CLIENTS; id++)
      this.#toWorker.send(this.#packet.set(packet.RECEIVE, id).with(this.#message));
    this.#toWorker.flush();
  }

  #answered(): void {
    if (++this.#answers % CLIENTS !== 0) return;
    // The handlers of what is closed there are still at work.
    setImmediate(() => {
      if (this.#closed) return;
      if (this.#answers >= CLIENTS * ROUNDS) return this.close();
      try {
        this.#ask();
      } catch (error) {
        this.#end(error as Error);
      }
    });
  }
}

/** By a worker, while it waits for the end of the process before it. */
export function rehearse(context: RoleContext, child: ChildProcessContext, topology: Topology): void {
  const failed = (err: unknown) =>
    context.log.warn(
      { err },
      `${child.name}, standby, has not run beforehand what serves clients: its first answers take longer`,
    );
  try {
    const rehearsal = Rehearsal.open(context, topology);
    void child.begun().then(() => rehearsal.close());
    void rehearsal.over.then((error) => error && failed(error));
    rehearsal.run();
  } catch (error) {
    failed(error);
  }
}

function closeAll({ made, resources, listeners, channels }: Opened): void {
  for (const channel of channels) channel.destroy();
  for (const listener of listeners) listener.close();
  for (const each of resources) each.close();
  closeDescriptors(made);
}

const RECORD = {
  state: OPEN,
  listener: asListener(0),
  reactor: REACTOR_0,
  worker: WORKER,
  uid: 0,
  flags: 0,
  reason: 0,
  remotePort: 0,
  tlsCell: 0,
  connectTime: 0,
  host: '127.0.0.1',
};

/** Answers at once and, every other time, in a promise: both ways are those of programs. */
function answering(): Handlers<PortEvents> {
  const handlers = new Handlers<PortEvents>();
  let later = false;
  handlers.add('receive', (session, message) => {
    later = !later;
    session.send(message);
    return later ? Promise.resolve() : undefined;
  });
  return handlers;
}

/** A server of one reactor thread and one worker, over rings whatever the real one has: a pipe would be closed with its channel. */
function smallTopology(like: Topology): Topology {
  return {
    ...like,
    reactors: 1,
    workers: 1,
    startWorkers: 1,
    taskWorkers: 0,
    startTaskWorkers: 0,
    userProcesses: 0,
    services: [],
    tables: [],
    datagrams: [],
    maxConnections: CLIENTS,
    ipc: 'ring',
    ringSize: RING_BYTES,
    spin: 0,
    tls: false,
    tlsDetails: false,
    aside: false,
    taskEngine: undefined,
    base: undefined,
  };
}

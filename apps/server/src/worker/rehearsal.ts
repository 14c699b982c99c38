import { collectYoung } from '@millrace/channel/internal';
import { NodePoller } from '@millrace/native';
import type { ChildProcessContext } from '@millrace/process-pool';
import { RehearsedChild } from '@millrace/process-pool/internal';
import { closeDescriptors, type Descriptors, findIn } from '@millrace/process-pool/links';
import type { DoorbellListener } from '@millrace/shared-memory/internal';
import type { ToWorker } from '../contract/control-messages.js';
import { Handlers, type PortEvents, type ServerEvents } from '../contract/events.js';
import { asListener, asReactor, asSession, asWorker } from '../contract/ids.js';
import type { RoleAssignment } from '../contract/role.js';
import * as packet from '../links/packet.js';
import type { PacketChannel } from '../links/packet-channel.js';
import { PeerIdentity } from '../links/peer-identity.js';
import { LINK, linksOf, PEER, REACTOR } from '../links/server-plan.js';
import { OpenedResources } from '../links/shared-resources.js';
import type { Topology } from '../links/topology.js';
import { PeerMessenger } from '../messages/peer-messenger.js';
import { ProcessMessages } from '../messages/process-messages.js';
import { ServerRegistry } from '../metrics/server-registry.js';
import { rehearseConsole } from '../process/console-rehearsal.js';
import { RoleContext } from '../process/role-context.js';
import { OPEN } from '../shared/connection-layout.js';
import { ConnectionSlot } from '../shared/connection-table.js';

/** Sessions that it plays, each with one message under way. */
const CLIENTS = 32;
/** Messages of each: 500 in all are as good as 2,000, which take 70 ms of processor time more. */
const ROUNDS = 16;
const MESSAGE_BYTES = 64;
const RING_BYTES = 64 << 10;
const WORKER = asWorker(0);
const REACTOR_0 = asReactor(0);

/** The role of a worker, as it is rehearsed. */
export interface RehearsedRole {
  /** As the role's own. */
  start(): Promise<void>;
  /** Gives up what it has opened. Idempotent. */
  close(): void;
}

/** Makes the role of that worker, with which nothing of this process but its child's messages is connected. */
export type MakeRehearsed = (
  context: RoleContext,
  child: ChildProcessContext,
  topology: Topology,
) => RehearsedRole;

interface Opened {
  readonly made: Descriptors;
  readonly closed: (() => void)[];
}

/**
 * What taking a place and serving takes, done once to no effect by a process that waits for the end of another: a role of the same kind,
 * with a parent of nobody's and links of its own, in memory of its own, begins, gets its lease and answers messages of nobody's. All of
 * that code runs for the first time there, and not while clients wait.
 *
 * Nothing of the program runs in it, and nothing that other processes see is touched.
 */
export class Rehearsal {
  readonly #opened: Opened;
  readonly #toWorker: PacketChannel;
  readonly #role: RehearsedRole;
  readonly #child: RehearsedChild;
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
  static open(
    context: RoleContext,
    child: ChildProcessContext,
    like: Topology,
    make: MakeRehearsed,
  ): Rehearsal {
    const topology = smallTopology(like);
    const made = linksOf(topology).create();
    const opened: Opened = { made, closed: [() => closeDescriptors(made)] };
    try {
      return new Rehearsal({ context, child, topology, make }, opened);
    } catch (error) {
      closeAll(opened);
      throw error;
    }
  }

  private constructor({ context, child, topology, make }: Parts, opened: Opened) {
    this.#opened = opened;
    const find = findIn(opened.made);
    const reactor = new OpenedResources(topology, REACTOR, REACTOR_0, find);
    opened.closed.push(() => reactor.close());
    const poller = new NodePoller();
    const listener: DoorbellListener = reactor.listen(poller, () => {});
    opened.closed.push(() => listener.close());
    const codec = packet.packetCodec();
    const { channel } = reactor.links.end<packet.Packet>(LINK, WORKER, { codec, listener, poller });
    opened.closed.push(() => channel.destroy());
    channel.on('message', () => this.#answered());
    this.#toWorker = channel;
    const data: RoleAssignment = { role: 'worker', id: WORKER, managerIncarnation: 1 };
    const descriptors = new Map(Object.entries(opened.made));
    this.#child = RehearsedChild.like(child, data, descriptors);
    opened.closed.push(() => this.#child.close());
    this.#role = make(this.#contextLike(context, topology), this.#child, topology);
    opened.closed.push(() => this.#role.close());
    const view = new OpenedResources(topology, PEER, WORKER, find);
    opened.closed.push(() => view.close());
    const slot = new ConnectionSlot(view.connections());
    for (let id = 1; id <= CLIENTS; id++) slot.take({ ...RECORD, session: asSession(id) });
    messengerOf(topology, find).close();
  }

  #contextLike(context: RoleContext, topology: Topology): RoleContext {
    const handlers = new Handlers<ServerEvents>();
    handlers.add('workerStart', rehearseConsole);
    handlers.add('error', (error) => this.#failed(error));
    const { options } = context;
    const answers = answering();
    const numbers = new ServerRegistry(undefined, () => {});
    this.#opened.closed.push(() => numbers.close());
    return new RoleContext({
      ...context,
      numbers,
      options: { ...options, taskEngine: undefined, maxRequest: 0, workerMaxConcurrency: 0 },
      handlers,
      portHandlers: { of: () => answers },
      messages: new ProcessMessages({
        identity: new PeerIdentity('worker', WORKER, { topology }),
        handlers,
        logs: context,
        maxWaitTime: options.maxWaitTime,
      }),
    });
  }

  /** Messages that have been answered. */
  get answered(): number {
    return this.#answers;
  }

  /** Begins. */
  run(): void {
    const address = Buffer.from('127.0.0.1');
    for (let id = 1; id <= CLIENTS; id++)
      this.#toWorker.send(this.#packet.set(packet.ADOPT, id).with(address));
    // As the clients of the process before: they have sent their messages by then.
    this.#ask();
    const lease: ToWorker = { type: 'lease' };
    this.#child.tell(lease);
    this.#child
      .begun()
      .then(() => this.#role.start())
      .catch((error) => this.#failed(error));
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
export function rehearse(
  context: RoleContext,
  child: ChildProcessContext,
  topology: Topology,
  make: MakeRehearsed,
): void {
  const failed = (err: unknown) =>
    context.log.warn(
      { err },
      `${child.name}, standby, has not run beforehand what serves clients: its first answers take longer`,
    );
  try {
    const rehearsal = Rehearsal.open(context, child, topology, make);
    void child.begun().then(() => rehearsal.close());
    void rehearsal.over.then((error) => {
      if (error) failed(error);
      // Not between the lease and the first answers.
      if (child.waits) collectYoung();
    });
    rehearsal.run();
  } catch (error) {
    failed(error);
  }
}

interface Parts {
  readonly context: RoleContext;
  readonly child: ChildProcessContext;
  readonly topology: Topology;
  readonly make: MakeRehearsed;
}

/** What a process tells of its topics as it begins. */
function messengerOf(topology: Topology, descriptor: (name: string) => number): PeerMessenger {
  const nothing = () => {};
  const messenger = new PeerMessenger({
    topology,
    peer: WORKER,
    descriptor,
    onMessage: nothing,
    onCommand: nothing,
    onPublication: nothing,
    onBad: nothing,
    borrowed: true,
  });
  messenger.writeTopics([]);
  return messenger;
}

/** What was opened last is closed first. */
function closeAll({ closed }: Opened): void {
  for (const close of closed.splice(0).reverse()) close();
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

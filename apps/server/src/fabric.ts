import { type ChannelOptions, type Poller, TransportChannel } from '@millrace/channel';
import { check, createMemory, MappedMemory, syscalls } from '@millrace/native';
import { createPipe } from '@millrace/pipe-ipc';
import {
  DOORBELL_BYTES,
  Doorbell,
  DoorbellListener,
  openRing,
  RingTransport,
  ringBytes,
} from '@millrace/shared-memory';
import { MAX_MESSAGE_BYTES, SMALL_RING_BYTES } from './constants.js';
import type { ResolvedOptions } from './options.js';
import { HEAD_BYTES, type Packet, packetCodec } from './packet.js';
import type { ResolvedPort } from './port-options.js';
import { ConnectionTable } from './shared/connection-table.js';
import { Counters } from './shared/counters.js';
import type { CountersShape } from './shared/counters-layout.js';
import { TlsTable } from './shared/tls-table.js';

/**
 * Everything that processes and threads of one server share. The master makes it before the first process is started,
 * and it outlives every process but the master.
 *
 * A *process* has a flat id: workers from 0, then task workers, then user processes. A *peer* is whoever talks to
 * reactor threads: every process by its id, then the manager, then the master. Between each peer and each reactor
 * thread lie two rings (`down` from the reactor, `up` to it); all rings of a peer lie in one memory. Each peer and each
 * reactor has one doorbell; their words lie in the hub. Between each worker and each task worker lies a pipe. Each peer
 * has an inbox, a pipe whose writing end all others share. The table of connections and the counters are for all.
 */
export interface FabricShape {
  readonly reactors: number;
  readonly workers: number;
  readonly taskWorkers: number;
  readonly userProcesses: number;
  readonly maxConnections: number;
  /** Whether some listener has TLS. */
  readonly tls: boolean;
  readonly ringSize: number;
  /** Bytes of the largest packet, head included. */
  readonly maxMessageSize: number;
}

/** The shape that the options ask for. */
export function shapeOf(
  { reactorNum, workerNum, taskWorkerNum, maxConnections, ringSize }: ResolvedOptions,
  ports: readonly ResolvedPort[],
  userProcesses: number,
): FabricShape {
  const longest = Math.max(MAX_MESSAGE_BYTES, ...ports.map(({ packageMaxLength }) => packageMaxLength));
  return {
    reactors: reactorNum,
    workers: workerNum,
    taskWorkers: taskWorkerNum,
    userProcesses,
    maxConnections,
    tls: ports.some(({ tls }) => tls !== undefined),
    ringSize,
    maxMessageSize: HEAD_BYTES + longest,
  };
}

export const processesOf = ({ workers, taskWorkers, userProcesses }: FabricShape) =>
  workers + taskWorkers + userProcesses;
export const managerPeer = (shape: FabricShape) => processesOf(shape);
export const masterPeer = (shape: FabricShape) => processesOf(shape) + 1;
export const peersOf = (shape: FabricShape) => processesOf(shape) + 2;

/** Descriptors by name; the names are the same in every process, the numbers are each process's own. */
export type Descriptors = Readonly<Record<string, number>>;

export const HUB = 'hub';
export const CONNECTIONS = 'connections';
export const COUNTERS = 'counters';
const TLS = 'tls';
/** What every process reads without asking anyone. */
export const tableNames = ({ tls }: FabricShape) => [CONNECTIONS, COUNTERS, ...(tls ? [TLS] : [])];
export const linkName = (peer: number) => `link.${peer}`;
export const peerBellName = (peer: number) => `peer.${peer}`;
export const reactorBellName = (reactor: number) => `reactor.${reactor}`;
/** The end of a peer's inbox that it reads. */
export const inboxName = (peer: number) => `inbox.${peer}`;
/** The end that all others write to. */
export const postName = (peer: number) => `post.${peer}`;
export const taskAskerName = (worker: number, taskWorker: number) => `task.${worker}.${taskWorker}.asker`;
export const taskRunnerName = (worker: number, taskWorker: number) => `task.${worker}.${taskWorker}.runner`;

const range = (count: number) => Array.from({ length: count }, (_, i) => i);

/** The names that every process needs to talk to reactor threads and to other processes; by its flat id. */
export function peerDescriptors(shape: FabricShape, peer: number): string[] {
  return [
    HUB,
    ...tableNames(shape),
    linkName(peer),
    peerBellName(peer),
    ...range(shape.reactors).map(reactorBellName),
    inboxName(peer),
    ...range(peersOf(shape)).map(postName),
  ];
}

/** The names by which a worker asks task workers. */
export function workerDescriptors({ taskWorkers }: FabricShape, id: number): string[] {
  return range(taskWorkers).map((taskWorker) => taskAskerName(id, taskWorker));
}

/** The names by which a task worker is asked; its id counts task workers. */
export function taskWorkerDescriptors({ workers }: FabricShape, id: number): string[] {
  return range(workers).map((worker) => taskRunnerName(worker, id));
}

/** Bytes of one ring of a peer. */
function ringSizeOf(shape: FabricShape, peer: number): number {
  return peer < shape.workers ? shape.ringSize : Math.min(SMALL_RING_BYTES, shape.ringSize);
}

function linkBytes(shape: FabricShape, peer: number): number {
  return shape.reactors * 2 * ringBytes(ringSizeOf(shape, peer));
}

function hubBytes(shape: FabricShape): number {
  return (shape.reactors + peersOf(shape)) * DOORBELL_BYTES;
}

function countersShape(shape: FabricShape): CountersShape {
  return { reactors: shape.reactors, workers: shape.workers, processes: processesOf(shape) };
}

/** Makes all of it. Throws `SystemCallError` when memory or descriptors do not suffice; then nothing is left open. */
export function createFabric(shape: FabricShape): Descriptors {
  const made: Record<string, number> = {};
  try {
    made[HUB] = createMemory('millrace-hub', hubBytes(shape));
    made[CONNECTIONS] = createMemory('millrace-connections', ConnectionTable.bytes(shape.maxConnections));
    made[COUNTERS] = createMemory('millrace-counters', Counters.bytes(countersShape(shape)));
    if (shape.tls) made[TLS] = createMemory('millrace-tls', TlsTable.bytes(shape.maxConnections));
    for (const peer of range(peersOf(shape))) {
      made[linkName(peer)] = createMemory(`millrace-link-${peer}`, linkBytes(shape, peer));
      made[peerBellName(peer)] = check(syscalls.eventfd(), 'eventfd');
      const inbox = createPipe();
      made[inboxName(peer)] = inbox.left;
      made[postName(peer)] = inbox.right;
    }
    for (const reactor of range(shape.reactors))
      made[reactorBellName(reactor)] = check(syscalls.eventfd(), 'eventfd');
    for (const worker of range(shape.workers)) {
      for (const taskWorker of range(shape.taskWorkers)) {
        const pipe = createPipe();
        made[taskAskerName(worker, taskWorker)] = pipe.left;
        made[taskRunnerName(worker, taskWorker)] = pipe.right;
      }
    }
    return made;
  } catch (error) {
    closeFabric(made);
    throw error;
  }
}

export function closeFabric(descriptors: Descriptors): void {
  for (const fd of Object.values(descriptors)) syscalls.close(fd);
}

/** One side of the rings, mapped in this thread: either a peer's or a reactor's. */
export class FabricView {
  readonly #shape: FabricShape;
  readonly #descriptors: Descriptors;
  readonly #hub: MappedMemory;
  readonly #links = new Map<number, MappedMemory>();
  #connections: MappedMemory | undefined;
  #counters: MappedMemory | undefined;
  #tls: MappedMemory | undefined;

  constructor(shape: FabricShape, descriptors: Descriptors) {
    this.#shape = shape;
    this.#descriptors = descriptors;
    this.#hub = new MappedMemory(this.#fd(HUB), hubBytes(shape));
  }

  reactorBell(reactor: number): Doorbell {
    return new Doorbell(this.#fd(reactorBellName(reactor)), this.#hub.buffer, reactor * DOORBELL_BYTES);
  }

  peerBell(peer: number): Doorbell {
    const offset = (this.#shape.reactors + peer) * DOORBELL_BYTES;
    return new Doorbell(this.#fd(peerBellName(peer)), this.#hub.buffer, offset);
  }

  connections(): ConnectionTable {
    const { maxConnections } = this.#shape;
    this.#connections ??= new MappedMemory(this.#fd(CONNECTIONS), ConnectionTable.bytes(maxConnections));
    return new ConnectionTable(this.#connections.buffer, maxConnections);
  }

  counters(): Counters {
    const shape = countersShape(this.#shape);
    this.#counters ??= new MappedMemory(this.#fd(COUNTERS), Counters.bytes(shape));
    return new Counters(this.#counters.buffer, shape);
  }

  /** Undefined where no listener has TLS. */
  tls(): TlsTable | undefined {
    const { tls, maxConnections } = this.#shape;
    if (!tls) return undefined;
    this.#tls ??= new MappedMemory(this.#fd(TLS), TlsTable.bytes(maxConnections));
    return new TlsTable(this.#tls.buffer, maxConnections);
  }

  /** Listens on the doorbell of a peer or a reactor in the loop of `poller`. */
  listen(bell: Doorbell, poller: Poller): DoorbellListener {
    return new DoorbellListener(bell, poller);
  }

  /** Opens the channel between `peer` and `reactor`, as the one or the other. */
  link(
    as: 'peer' | 'reactor',
    peer: number,
    reactor: number,
    listener: DoorbellListener,
    options: ChannelOptions,
  ): Link {
    const capacity = ringSizeOf(this.#shape, peer);
    const memory = this.#memory(peer);
    const at = (index: number) => openRing(memory.buffer, index * ringBytes(capacity), capacity);
    const down = at(reactor * 2);
    const up = at(reactor * 2 + 1);
    const transport = new RingTransport({
      incoming: as === 'peer' ? down : up,
      outgoing: as === 'peer' ? up : down,
      listener,
      peer: as === 'peer' ? this.reactorBell(reactor) : this.peerBell(peer),
      maxMessageSize: this.#shape.maxMessageSize,
    });
    return { transport, channel: new TransportChannel(transport, packetCodec(), options) };
  }

  close(): void {
    for (const memory of [this.#hub, this.#connections, this.#counters, this.#tls, ...this.#links.values()])
      memory?.close();
  }

  #memory(peer: number): MappedMemory {
    let memory = this.#links.get(peer);
    if (memory === undefined) {
      memory = new MappedMemory(this.#fd(linkName(peer)), linkBytes(this.#shape, peer));
      this.#links.set(peer, memory);
    }
    return memory;
  }

  #fd(name: string): number {
    const fd = this.#descriptors[name];
    if (fd === undefined) throw new RangeError(`The fabric has no descriptor '${name}'.`);
    return fd;
  }
}

export interface Link {
  readonly transport: RingTransport;
  readonly channel: TransportChannel<Packet>;
}

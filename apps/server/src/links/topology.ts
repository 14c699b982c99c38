import { MAX_MESSAGE_BYTES } from '../constants.js';
import { asPeer, asWorker, type PeerId, type ProcessId, type WorkerId } from '../contract/ids.js';
import type { ServiceName } from '../contract/service.js';
import type { Ipc } from '../options/options.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import type { ResolvedPort } from '../options/resolved-port.js';
import { servicesOf } from '../services/services-of.js';
import { HEAD_BYTES } from './packet.js';
import { taskQueueOf } from './task-queue.js';
import type { TaskTopology } from './task-topology.js';

/**
 * What everything that processes and threads of one server share follows from; what that is, is in server-plan.ts.
 *
 * A *peer* is what talks to reactor threads: every place for a worker, then those for task workers, then the user processes, of which the
 * last are the service processes, then the manager, then the master. There are as many places as the server may be scaled to; those beyond have no process. What users call a
 * process is its *id*, which no scaling changes: see `idOfPeer`.
 */
export interface Topology extends TaskTopology {
  /** How many of the places for workers, and for task workers, have a process from the start. */
  readonly startWorkers: number;
  readonly startTaskWorkers: number;
  readonly reactors: number;
  /** Those of a program that may still come to listen as well. */
  readonly listeners: number;
  /** The names of the user's tables. */
  readonly tables: readonly string[];
  readonly maxConnections: number;
  /** Whether some listener has TLS from the beginning: then reactor threads run in Node's loop. */
  readonly tls: boolean;
  /** Whether some listener has TLS, or may come to have it: details of that are told of each client. */
  readonly tlsDetails: boolean;
  /** Listeners for datagrams that processes send from themselves: see worker/datagram-sender.ts. */
  readonly datagrams: readonly number[];
  /** What lies between workers and reactor threads. */
  readonly ipc: Ipc;
  readonly ringSize: number;
  /** Microseconds that a worker polls before it sleeps. */
  readonly spin: number;
  /** Bytes of the largest packet, head included. */
  readonly maxMessageSize: number;
  /** In base mode, where worker r is reactor r: of each listener, whether every worker has a socket of its own. */
  readonly base: readonly boolean[] | undefined;
  /** The names of the service processes: they are the last of the places of user processes. */
  readonly services: readonly ServiceName[];
  /** What brings tasks to other machines and from there, by its name, where there is one. */
  readonly taskEngine?: string | undefined;
  /** Whether a process that a worker is replaced by leaves it its connections for a while: workers have aside links then. */
  readonly aside: boolean;
}

/** The shape that the options ask for. */
export function topologyOf(
  options: ResolvedOptions,
  ports: readonly ResolvedPort[],
  userProcesses: number,
  tables: readonly string[],
): Topology {
  const { mode, reactorNum, workerNum, maxWorkerNum, taskWorkerNum, maxTaskWorkerNum } = options;
  const { maxConnections, ipc, ringSize, spin } = options;
  const services = servicesOf(options);
  const isOther = options.user !== undefined || options.group !== undefined || options.chroot !== undefined;
  const datagrams = ports.flatMap(({ type }, index) => (type === 'datagram' ? [index] : []));
  const longest = Math.max(MAX_MESSAGE_BYTES, ...ports.map(({ packageMaxLength }) => packageMaxLength));
  return {
    // In base mode each worker is one.
    reactors: mode === 'base' ? maxWorkerNum : reactorNum,
    listeners: ports.length,
    workers: maxWorkerNum,
    taskWorkers: maxTaskWorkerNum,
    startWorkers: workerNum,
    startTaskWorkers: taskWorkerNum,
    userProcesses: userProcesses + services.length,
    tables,
    maxConnections,
    tls: ports.some(({ tls }) => tls !== undefined),
    // Its memory is taken by what is written there alone.
    tlsDetails: ports.some(({ tls, late }) => tls !== undefined || (late && mode === 'process')),
    ipc,
    ringSize,
    spin,
    taskTransport: options.taskTransport,
    taskQueue: taskQueueOf(options),
    isOther,
    datagrams: isOther && mode === 'process' ? datagrams : [],
    taskRingSize: options.taskRingSize,
    taskValuesInMemory: options.taskLargeValues === 'memory',
    maxMessageSize: HEAD_BYTES + longest,
    services: services.map(({ name }) => name),
    taskEngine: options.taskEngine?.name,
    aside: mode === 'process' && ports.some(({ protocol, late }) => protocol !== 'messages' || late),
    base:
      mode === 'base'
        ? // Those that a program asks for are handed to the workers when they are bound.
          ports.filter(({ late }) => !late).map(({ reusePort, path }) => reusePort && path === undefined)
        : undefined,
  };
}

export const processesOf = ({ workers, taskWorkers, userProcesses }: Topology) =>
  workers + taskWorkers + userProcesses;
/** The peer of a service; undefined where the server has none of that name. */
export function servicePeer(topology: Topology, name: ServiceName): PeerId | undefined {
  const index = topology.services.indexOf(name);
  return index < 0 ? undefined : asPeer(processesOf(topology) - topology.services.length + index);
}
export const managerPeer = (topology: Topology) => asPeer(processesOf(topology));
export const masterPeer = (topology: Topology) => asPeer(processesOf(topology) + 1);
export const peersOf = (topology: Topology) => processesOf(topology) + 2;

/** What a process of that worker is to reactor threads once it has retired. */
export const asidePeer = (topology: Topology, worker: WorkerId) => asPeer(peersOf(topology) + worker);
/** The worker of an aside peer; undefined for any other peer. */
export function workerOfAside(topology: Topology, peer: PeerId): WorkerId | undefined {
  const worker = peer - peersOf(topology);
  return topology.aside && worker >= 0 && worker < topology.workers ? asWorker(worker) : undefined;
}

/**
 * What a peer is called by users: the workers that there are from the start count from 0, then the task workers, then the user
 * processes; behind them those that come by scaling, workers first.
 */
export function idOfPeer(topology: Topology, peer: PeerId): ProcessId {
  if (peer === masterPeer(topology)) return 'master';
  return peer === managerPeer(topology) ? 'manager' : flatIdOf(topology, peer);
}

/** The same of a process below the manager. */
export function flatIdOf(topology: Topology, peer: PeerId): number {
  const { workers, taskWorkers, userProcesses, startWorkers, startTaskWorkers } = topology;
  if (peer < startWorkers) return peer;
  const started = startWorkers + startTaskWorkers + userProcesses;
  if (peer < workers) return started + peer - startWorkers;
  const task = peer - workers;
  if (task < startTaskWorkers) return startWorkers + task;
  if (task < taskWorkers) return started + workers - startWorkers + task - startTaskWorkers;
  return peer - workers - taskWorkers + startWorkers + startTaskWorkers;
}

/** A peer as a number alone, as tasks are told who asks: the manager and the master have the two behind every id that there may be. */
export const numberOfPeer = (topology: Topology, peer: PeerId): number =>
  peer >= managerPeer(topology) ? peer : flatIdOf(topology, peer);
/** The reverse. */
export const peerOfNumber = (topology: Topology, number: number): PeerId =>
  peerOfFlatId(topology, number) ?? asPeer(number);

/** The peer that users call by that number; undefined where there is no such place. */
export function peerOfFlatId(topology: Topology, id: number): PeerId | undefined {
  if (!Number.isInteger(id) || id < 0 || id >= processesOf(topology)) return undefined;
  const { workers, taskWorkers, userProcesses, startWorkers, startTaskWorkers } = topology;
  if (id < startWorkers) return asPeer(id);
  const firstUser = startWorkers + startTaskWorkers;
  if (id < firstUser) return asPeer(workers + id - startWorkers);
  const firstAdded = firstUser + userProcesses;
  if (id < firstAdded) return asPeer(workers + taskWorkers + id - firstUser);
  const added = id - firstAdded;
  const addedWorkers = workers - startWorkers;
  return asPeer(
    added < addedWorkers ? startWorkers + added : workers + startTaskWorkers + added - addedWorkers,
  );
}

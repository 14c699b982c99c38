import { MappedMemory } from '@millrace/native';
import { unreadBytes } from '@millrace/shared-memory/internal';
import type { RingMemory } from '@millrace/shared-memory/ring';
import { queueState } from '@millrace/task-pool/internal';
import type { ServerStats } from '../api/stats.js';
import { asPeer } from '../contract/ids.js';
import { isPiped, LINK, linksOf } from '../links/server-plan.js';
import type { Counters } from '../shared/counters.js';
import { publishedSize } from '../shared/server-size.js';
import type { AdminAssignment } from './admin-assignment.js';
import type { QueueReport } from './work-schemas.js';

/** What waits between the processes of a server, as far as memory and counters tell. */
export class Queues {
  readonly #assignment: AdminAssignment;
  readonly #counters: Counters;
  /** By worker, the memory of the rings to it. */
  readonly #memories: readonly (ArrayBuffer | undefined)[];

  /** `find`: the descriptors by their names. */
  constructor(assignment: AdminAssignment, counters: Counters, find: (name: string) => number) {
    const { topology } = assignment;
    this.#assignment = assignment;
    this.#counters = counters;
    const links = linksOf(topology);
    this.#memories = Array.from({ length: topology.workers }, (_, worker) => {
      const memory = topology.base === undefined ? links.ringMemory(LINK, worker) : undefined;
      return memory && new MappedMemory(find(memory.name), memory.bytes).buffer;
    });
  }

  report(stats: ServerStats): QueueReport[] {
    const { topology, maxClientMemory, taskMaxQueue } = this.#assignment;
    const { places } = publishedSize(this.#counters);
    const workers = Array.from({ length: places }, (_, worker) => worker);
    const reactors = Array.from({ length: topology.reactors }, (_, reactor) => reactor);
    return [
      ...workers.flatMap((worker) =>
        // In base mode a worker is the reactor of its clients, and of no others.
        reactors
          .filter((reactor) => topology.base === undefined || reactor === worker)
          .flatMap((reactor) => this.#between(reactor, worker)),
      ),
      ...(topology.taskWorkers === 0
        ? []
        : [queue('tasks', 'backlog', { messages: stats.taskingNum, capacity: taskMaxQueue })]),
      ...this.#systemQueue(),
      queue('clients', 'memory', { bytes: stats.clientMemory, capacityBytes: maxClientMemory }),
    ];
  }

  /** The way to a worker, and back. */
  #between(reactor: number, worker: number): QueueReport[] {
    const { topology } = this.#assignment;
    const name = `reactor:${reactor} -> worker:${worker}`;
    const messages = Math.max(0, this.#counters.underWayFrom(reactor, worker));
    const memory = this.#memories[worker];
    const rings = memory && linksOf(topology).ringsIn(memory, LINK, reactor, worker);
    if (rings === undefined) {
      const kind = isPiped(topology, asPeer(worker)) ? 'pipe' : 'memory';
      return [queue(name, kind, { messages })];
    }
    const [down, up] = rings as [RingMemory, RingMemory];
    return [
      queue(name, 'ring', { messages, ...fill(down) }),
      queue(`worker:${worker} -> reactor:${reactor}`, 'ring', fill(up)),
    ];
  }

  /** Null where this process may not look into it: with the option `user`. */
  #systemQueue(): QueueReport[] {
    const { taskQueue } = this.#assignment.topology;
    if (taskQueue === undefined) return [];
    const kind = this.#assignment.topology.taskTransport === 'posix-queue' ? 'posix' : 'sysv';
    try {
      const state = queueState(taskQueue);
      return [
        queue('system queue of tasks', kind, { messages: state?.messages ?? 0, bytes: state?.bytes ?? 0 }),
      ];
    } catch {
      return [queue('system queue of tasks', kind, {})];
    }
  }
}

const fill = (ring: RingMemory) => ({ bytes: unreadBytes(ring), capacityBytes: ring.capacity });

function queue(name: string, kind: QueueReport['kind'], what: Partial<QueueReport>): QueueReport {
  return { name, kind, messages: null, capacity: null, bytes: null, capacityBytes: null, ...what };
}

import { shown } from '@millrace/channel';
import type { PeerId, ProcessId, ProcessRole, RoleName } from '../contract/ids.js';
import { ServerError } from '../errors.js';
import { flatId, roleOfPeer } from './process-kinds.js';
import {
  flatIdOf,
  idOfPeer,
  managerPeer,
  masterPeer,
  peerOfFlatId,
  processesOf,
  type Topology,
} from './topology.js';

/** Which process of the server this one is, and how it calls the others. */
export class PeerIdentity {
  readonly role: ProcessRole;
  readonly #index: number;
  readonly #server: { readonly topology: Topology };

  /** `index` counts processes of the role; the topology of `server` is complete when the server starts. */
  constructor(role: ProcessRole, index: number, server: { readonly topology: Topology }) {
    this.role = role;
    this.#index = index;
    this.#server = server;
  }

  get topology(): Topology {
    return this.#server.topology;
  }

  /** Who this process is among the peers. */
  get peer(): PeerId {
    if (this.role === 'master') return masterPeer(this.topology);
    return this.role === 'manager'
      ? managerPeer(this.topology)
      : flatId(this.role, this.topology, this.#index);
  }

  /** What users call this process. */
  get id(): ProcessId {
    return idOfPeer(this.topology, this.peer);
  }

  /** Undefined in the master and the manager. */
  get workerId(): number | undefined {
    return this.role === 'master' || this.role === 'manager' ? undefined : flatIdOf(this.topology, this.peer);
  }

  /** The role of a process. Throws `ERR_MILLRACE_NO_PROCESS`. */
  roleOf(id: ProcessId): RoleName {
    if (id === 'master' || id === 'manager') return id;
    const peer = typeof id === 'number' ? peerOfFlatId(this.topology, id) : undefined;
    const role = peer === undefined ? undefined : roleOfPeer(this.topology, peer);
    // What the program says comes to none of those.
    if (role !== undefined && role !== 'service') return role;
    throw noProcess(id, `${idRange(this.topology)}, 'manager' and 'master'`);
  }

  /** Throws `ERR_MILLRACE_NO_PROCESS` for what is no flat id. */
  peerOf(id: number): PeerId {
    const peer = peerOfFlatId(this.topology, id);
    if (peer === undefined || roleOfPeer(this.topology, peer) === 'service')
      throw noProcess(id, idRange(this.topology));
    return peer;
  }
}

/** The ids of processes, for messages. */
export function idRange(topology: Topology): string {
  const { startWorkers, startTaskWorkers, userProcesses, services } = topology;
  const started = startWorkers + startTaskWorkers + userProcesses - services.length - 1;
  const most = processesOf(topology) - 1;
  return `0 to ${started}${most > started ? ` (and to ${most} where it is scaled up)` : ''}`;
}

function noProcess(id: unknown, are: string): ServerError {
  return new ServerError(
    'ERR_MILLRACE_NO_PROCESS',
    `There is no process ${shown(id)}: processes are ${are}.`,
  );
}

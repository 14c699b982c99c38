import { shown } from '@millrace/channel';
import type { PeerId, ProcessId, RoleName } from '../contract/ids.js';
import { ServerError } from '../errors.js';
import { flatId, roleOfFlatId } from './process-kinds.js';
import { idOfPeer, managerPeer, masterPeer, type Topology } from './topology.js';

/** Which process of the server this one is, and how it calls the others. */
export class PeerIdentity {
  readonly role: RoleName;
  readonly #index: number;
  readonly #server: { readonly topology: Topology };

  /** `index` counts processes of the role; the topology of `server` is complete when the server starts. */
  constructor(role: RoleName, index: number, server: { readonly topology: Topology }) {
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
  get workerId(): PeerId | undefined {
    return this.role === 'master' || this.role === 'manager' ? undefined : this.peer;
  }

  /** The role of a process. Throws `ERR_MILLRACE_NO_PROCESS`. */
  roleOf(id: ProcessId): RoleName {
    if (id === 'master' || id === 'manager') return id;
    const role = typeof id === 'number' ? roleOfFlatId(this.topology, id) : undefined;
    if (role) return role;
    throw noProcess(id, `0 to ${managerPeer(this.topology) - 1}, 'manager' and 'master'`);
  }

  /** Throws `ERR_MILLRACE_NO_PROCESS` for what is no flat id. */
  assertFlatId(id: number): asserts id is PeerId {
    if (roleOfFlatId(this.topology, id) === undefined)
      throw noProcess(id, `0 to ${managerPeer(this.topology) - 1}`);
  }
}

function noProcess(id: unknown, are: string): ServerError {
  return new ServerError(
    'ERR_MILLRACE_NO_PROCESS',
    `There is no process ${shown(id)}: processes are ${are}.`,
  );
}

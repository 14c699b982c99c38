import type { ChildProcessContext } from '@millrace/process-pool';
import type { PeerId } from '../contract/ids.js';
import type { ReloadOptions, ReloadResult } from '../contract/reload.js';
import type { WorkerStatus } from '../contract/role.js';
import type { ScaleOptions, ScaleResult } from '../contract/scale.js';
import type { ServerControl } from '../contract/server-control.js';
import type { PeerIdentity } from '../links/peer-identity.js';
import { assertScale } from '../links/scale-limits.js';
import { idOfPeer } from '../links/topology.js';
import { notStarted } from '../process/wrong-role.js';
import type { SessionGateway } from '../sessions/session-gateway.js';
import { ManagerRequests } from './manager-requests.js';
import type { Role } from './role.js';

/** The life of the server's processes, as one of them sees and steers it. Methods are as those of `Server`. */
export class Lifecycle {
  readonly #role: Role;
  readonly #control: ServerControl;
  readonly #identity: PeerIdentity;

  /** `child`: undefined in the master. */
  constructor(role: Role, child: ChildProcessContext | undefined, identity: PeerIdentity) {
    this.#role = role;
    this.#identity = identity;
    const does = role.name === 'master' || role.name === 'manager';
    this.#control =
      does || child === undefined
        ? (role as Extract<Role, ServerControl>)
        : new ManagerRequests(child, role.name, () => this.#gateway('workerPid').counters);
  }

  reload(options: ReloadOptions): Promise<ReloadResult> {
    return this.#control.reload(options);
  }

  async scale(options: ScaleOptions): Promise<ScaleResult> {
    assertScale(options, this.#identity.topology);
    return this.#control.scale(options);
  }

  shutdown(): Promise<void> {
    return this.#control.shutdown();
  }

  async stopWorker(id: number): Promise<ReloadResult> {
    return this.#control.stopWorker(this.#identity.peerOf(id));
  }

  reopenLog(): void {
    this.#control.reopenLog();
  }

  reloadCertificates(): void {
    this.#control.reloadCertificates();
  }

  workerPid(id: number): number | undefined {
    return this.pidOf(this.#identity.peerOf(id), 'workerPid');
  }

  /** Undefined while there is none. Throws `ERR_MILLRACE_NOT_RUNNING`. */
  pidOf(peer: PeerId, member: string): number | undefined {
    this.#gateway(member);
    // A new worker does not have its place yet while it runs workerStart.
    if (idOfPeer(this.#identity.topology, peer) === this.#identity.id) return process.pid;
    return this.#control.pidOf(peer);
  }

  get workerStatus(): WorkerStatus | undefined {
    return this.#role.name === 'worker' || this.#role.name === 'taskWorker' ? this.#role.status : undefined;
  }

  #gateway(member: string): SessionGateway {
    const gateway = this.#role.openGateway();
    if (gateway === undefined) throw notStarted(member);
    return gateway;
  }
}

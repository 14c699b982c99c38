import type { ChildProcessContext } from '@millrace/process-pool';
import type { DoorbellListener } from '@millrace/shared-memory/internal';
import type { PeerId, ReactorIndex } from '../contract/ids.js';
import type { Topology } from '../links/topology.js';
import type { ResolvedPort } from '../options/resolved-port.js';
import type { RoleLease } from '../process/role-lease.js';
import { type HasLog, openBell, openSessionGateway } from './open-gateway.js';
import type { SessionGateway } from './session-gateway.js';

/** The bell of a process that has its name as long as it lives; links and tasks share one listener. */
export class ProcessBell {
  readonly #open: () => DoorbellListener;
  #listener: DoorbellListener | undefined;

  constructor(child: ChildProcessContext, topology: Topology, peer: PeerId, logs: HasLog) {
    this.#open = () => openBell(child, topology, peer, logs);
  }

  /** Listens from the first call on. */
  listen(): DoorbellListener {
    this.#listener ??= this.#open();
    return this.#listener;
  }
}

export interface LazyGatewayParts {
  readonly child: ChildProcessContext;
  readonly topology: Topology;
  readonly peer: PeerId;
  readonly ports: readonly ResolvedPort[];
  /** How this process has its name: for a while, or as long as it lives. */
  readonly name: RoleLease | ProcessBell;
  /** What a reactor has sent makes no sense. */
  readonly onCorrupt: (reactor: ReactorIndex, error: Error) => void;
  readonly logs: HasLog;
}

/**
 * The session gateway of a task worker, a user process or the manager. Most of them never ask for a session, so it is opened
 * by the first who does.
 */
export class LazyGateway {
  readonly #parts: LazyGatewayParts;
  #gateway: SessionGateway | undefined;

  constructor(parts: LazyGatewayParts) {
    this.#parts = parts;
  }

  open(): SessionGateway {
    this.#gateway ??= this.#make();
    return this.#gateway;
  }

  /** Resolves when what this process has sent to sessions has left it. */
  async flush(): Promise<void> {
    await this.#gateway?.flush();
  }

  /** What waits for sessions that are gone with their worker is told so. */
  settleLost(): void {
    this.#gateway?.settleLost();
  }

  /** In base mode: empties what lies between this process and the worker that is that reactor; false: it is not open. */
  resetLink(reactor: ReactorIndex): boolean {
    return this.#gateway?.resetLink(reactor) === true;
  }

  #make(): SessionGateway {
    const { child, topology, peer, ports, name, onCorrupt, logs } = this.#parts;
    const [lease, bell] = name instanceof ProcessBell ? [undefined, name.listen()] : [name, undefined];
    return openSessionGateway(child, topology, peer, ports, lease, bell, onCorrupt, logs);
  }
}

import type { ChildProcessContext } from '@millrace/process-pool';
import { asWorker, reactorOfWorker, type WorkerId } from '../contract/ids.js';
import { CLOSE_REASONS } from '../links/packet.js';
import { managerPeer, type Topology } from '../links/topology.js';
import { openView } from '../sessions/open-gateway.js';
import * as layout from '../shared/connection-layout.js';
import type { ConnectionTable } from '../shared/connection-table.js';
import type { Counters } from '../shared/counters.js';
import type { TlsTable } from '../shared/tls-table.js';

/**
 * Base mode: says in shared memory what the kernel has done to the connections of a worker that has died. The manager
 * does so after it has reaped the worker and before another has its place, so there is still one writer at a time.
 */
export class Reaper {
  readonly #table: ConnectionTable;
  readonly #counters: Counters;
  readonly #tls: TlsTable | undefined;
  readonly #workers: number;

  constructor(child: ChildProcessContext, topology: Topology) {
    const view = openView(child, topology, managerPeer(topology));
    this.#table = view.connections();
    this.#counters = view.counters();
    this.#tls = view.tls();
    this.#workers = topology.workers;
  }

  /** Those that a manager has left which died, and its workers with it. */
  closeAll(): void {
    for (let worker = 0; worker < this.#workers; worker++) this.close(asWorker(worker));
  }

  close(worker: WorkerId): void {
    closeSlots(this.#table, worker, this.#workers);
    // Before there is room for other clients, which need cells.
    const reactor = reactorOfWorker(worker);
    this.#tls?.abandon(reactor);
    this.#counters.abandon(reactor);
  }
}

const DEATH = CLOSE_REASONS.indexOf('death');

/** Closes what is open in the slots of `worker`, of so many; what its death has left half written is gone. */
export function closeSlots({ words, capacity }: ConnectionTable, worker: WorkerId, workers: number): void {
  for (let index: number = worker; index < capacity; index += workers) {
    const slot = index * layout.SLOT_WORDS;
    const sequence = Atomics.load(words, slot + layout.SEQ_WORD);
    const state = Atomics.load(words, slot + layout.STATE_WORD);
    const torn = sequence % 2 !== 0;
    if (!torn && state !== layout.OPEN && state !== layout.CLOSING) continue;
    // Odd while it changes, as in ConnectionSlot.#turn; pairs with the loads in ConnectionTable.#readSlot.
    if (!torn) Atomics.add(words, slot + layout.SEQ_WORD, 1);
    Atomics.store(words, slot + layout.STATE_WORD, torn ? layout.FREE : layout.CLOSED);
    Atomics.store(words, slot + layout.REASON_WORD, DEATH);
    Atomics.add(words, slot + layout.SEQ_WORD, 1);
  }
}

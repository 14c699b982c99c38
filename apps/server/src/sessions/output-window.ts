import type { SessionId, Unchecked } from '../contract/ids.js';
import type { ConnectionTable } from '../shared/connection-table.js';

/**
 * How much of what this process sends to one session is still on its way: bytes that the reactor thread has not got,
 * and bytes that the kernel has not taken from it. Nothing of it is shared but what the reactor thread publishes, so
 * no death leaves a count wrong.
 *
 * Where several processes send to one session, what the others send makes TAKEN run ahead of `#sent`; then this one
 * starts over from there, and counts too little of its own for a moment, never too much.
 */
export class OutputWindow {
  #sent: number;

  constructor(table: ConnectionTable, slot: number) {
    this.#sent = table.taken(slot);
  }

  /** Bytes that wait somewhere between this process and the kernel. */
  pending(table: ConnectionTable, slot: number): number {
    // TAKEN before QUEUED: bytes may be counted twice, never not at all; pairs with the stores in ConnectionSlot.took.
    const taken = table.taken(slot);
    const queued = table.queued(slot);
    const ahead = (this.#sent - taken) | 0;
    if (ahead >= 0) return queued + ahead;
    this.#sent = taken;
    return queued;
  }

  /** Whether the reactor thread has got everything. */
  arrived(table: ConnectionTable, slot: number): boolean {
    return ((this.#sent - table.taken(slot)) | 0) <= 0;
  }

  sent(bytes: number): void {
    this.#sent = (this.#sent + bytes) | 0;
  }
}

/** Windows that are kept before the idle ones among them are dropped. */
const KEPT = 1_024;

/** The windows of a process for the sessions that it sends to by id. One is needed only while something is on its way. */
export class OutputWindows {
  readonly #table: ConnectionTable;
  readonly #windows = new Map<number, OutputWindow>();
  #dropAt = KEPT;

  constructor(table: ConnectionTable) {
    this.#table = table;
  }

  get(session: Unchecked<SessionId>): OutputWindow {
    let window = this.#windows.get(session);
    if (window === undefined) {
      if (this.#windows.size >= this.#dropAt) this.#dropIdle();
      window = new OutputWindow(this.#table, this.#table.slot(session));
      this.#windows.set(session, window);
    }
    return window;
  }

  #dropIdle(): void {
    for (const [session, window] of this.#windows) {
      const slot = this.#table.open(session);
      if (slot < 0 || window.arrived(this.#table, slot)) this.#windows.delete(session);
    }
    this.#dropAt = Math.max(KEPT, this.#windows.size * 2);
  }
}

import type { SessionId, Unchecked } from '../contract/ids.js';
import type { KeptRequest } from '../contract/resumable.js';
import type { ConnectionTable } from './connection-table.js';
import * as layout from './resume-layout.js';

/** What a cell tells the next process. */
export interface KeptSession {
  readonly request: KeptRequest;
  /** What the program has kept last; undefined: nothing. */
  readonly state: Buffer | undefined;
  /** Messages that programs have taken of it. */
  readonly messages: number;
  /** How many of those since the state was kept. */
  readonly unsettled: number;
  /** Processes that have begun to go on with it, and have not come to the end of that. */
  readonly tries: number;
}

/**
 * What is kept of the WebSockets that can be resumed. Every process maps it, so that any of them may have written over anything: what
 * makes no sense is not there.
 */
export class ResumeTable {
  readonly #cells: number;
  readonly #owners: BigInt64Array;
  readonly #words: Int32Array;
  readonly #doubles: Float64Array;
  readonly #bytes: Buffer;
  readonly #connections: ConnectionTable;
  /** No cell below this one was free when it was looked at last. */
  #from = 0;

  constructor(memory: ArrayBuffer, maxConnections: number, connections: ConnectionTable) {
    this.#cells = maxConnections;
    this.#owners = new BigInt64Array(memory, 0, maxConnections);
    const at = this.#owners.byteLength;
    this.#words = new Int32Array(memory, at, maxConnections * layout.CELL_WORDS);
    this.#doubles = new Float64Array(memory, at, this.#words.length / 2);
    this.#bytes = Buffer.from(memory, at, this.#words.byteLength);
    this.#connections = connections;
  }

  static bytes(maxConnections: number): number {
    return maxConnections * (layout.OWNER_BYTES + layout.CELL_BYTES);
  }

  /**
   * Takes a cell for an open session, of which `taken` is the last request that has been taken. Returns its number, from 1; 0: none is
   * free, or the request has no room.
   */
  take(session: SessionId, request: KeptRequest, taken: number): number {
    const text = Buffer.from(JSON.stringify(request));
    if (text.length > layout.HEAD_BYTES) return 0;
    const cell = this.#claim(session);
    if (cell < 0) return 0;
    const at = cell * layout.CELL_WORDS;
    text.copy(this.#bytes, at * 4 + layout.HEAD_AT);
    this.#store(at + layout.LENGTH_WORD, text.length);
    this.#store(at + layout.KEPT_WORD, 0);
    this.#store(at + layout.TRIES_WORD, 0);
    this.took(cell + 1, taken, 0);
    this.#doubles[at / 2] = session;
    return cell + 1;
  }

  /** Before PROGRESS names `request`: with it, so many messages have been taken. */
  took(cell: number, request: number, messages: number): void {
    const at = (cell - 1) * layout.CELL_WORDS + layout.TAKEN_WORD + (request & 1) * 2;
    this.#store(at, request);
    this.#store(at + 1, messages);
  }

  /** Keeps a state in place of the one before. */
  keep(cell: number, state: Uint8Array, messages: number): void {
    const at = (cell - 1) * layout.CELL_WORDS;
    const kept = nextKept(this.#load(at + layout.KEPT_WORD));
    const half = kept & 1;
    this.#bytes.set(state, at * 4 + layout.STATES_AT + half * layout.STATE_BYTES);
    this.#store(at + layout.STATE_WORD + half * 2, state.length);
    this.#store(at + layout.STATE_WORD + half * 2 + 1, messages);
    // Last: who is killed before leaves the state from before.
    this.#store(at + layout.KEPT_WORD, kept);
  }

  /** Another process begins to go on with it, or is through with that. */
  tries(cell: number, tries: number): void {
    this.#store((cell - 1) * layout.CELL_WORDS + layout.TRIES_WORD, tries);
  }

  /** What `cell` tells of `session`, of which `taken` is the last request that has been taken; undefined where it makes no sense. */
  read(cell: number, session: Unchecked<SessionId>, taken: number): KeptSession | undefined {
    if (cell < 1 || cell > this.#cells) return undefined;
    if (Atomics.load(this.#owners, cell - 1) !== BigInt(session)) return undefined;
    const at = (cell - 1) * layout.CELL_WORDS;
    const length = this.#load(at + layout.LENGTH_WORD);
    if (this.#doubles[at / 2] !== session || length < 0 || length > layout.HEAD_BYTES) return undefined;
    const request = parsed(this.#text(at * 4 + layout.HEAD_AT, length));
    const takenAt = at + layout.TAKEN_WORD + (taken & 1) * 2;
    if (request === undefined || this.#load(takenAt) !== taken) return undefined;
    const messages = this.#load(takenAt + 1);
    const tries = this.#load(at + layout.TRIES_WORD);
    const kept = this.#load(at + layout.KEPT_WORD);
    if (kept === 0) return { request, state: undefined, messages, unsettled: messages, tries };
    const stateAt = at + layout.STATE_WORD + (kept & 1) * 2;
    const bytes = this.#load(stateAt);
    const settled = this.#load(stateAt + 1);
    if (bytes < 0 || bytes > layout.STATE_BYTES) return undefined;
    const from = at * 4 + layout.STATES_AT + (kept & 1) * layout.STATE_BYTES;
    const state = Buffer.from(this.#bytes.subarray(from, from + bytes));
    return { request, state, messages, unsettled: (messages - settled) | 0, tries };
  }

  /** The session is closed: nothing of it stays. */
  release(cell: number, session: SessionId): void {
    if (cell < 1 || cell > this.#cells) return;
    const [owner, wiping] = [BigInt(session), BigInt(-session)];
    // Pairs with the exchange in #claim, which may have taken it from a session that was closed.
    if (Atomics.compareExchange(this.#owners, cell - 1, owner, wiping) !== owner) return;
    const at = (cell - 1) * layout.CELL_WORDS;
    this.#words.fill(0, at, at + layout.CELL_WORDS);
    Atomics.compareExchange(this.#owners, cell - 1, wiping, 0n);
    this.#from = Math.min(this.#from, cell - 1);
  }

  /** From 0; -1: none is free. */
  #claim(session: SessionId): number {
    const cell = this.#claimFree(session, false);
    // A process that dies while it wipes a cell leaves it so.
    return cell < 0 ? this.#claimFree(session, true) : cell;
  }

  #claimFree(session: SessionId, wiped: boolean): number {
    for (let looked = 0; looked < this.#cells; looked++) {
      const cell = (this.#from + looked) % this.#cells;
      const owner = Atomics.load(this.#owners, cell);
      if (owner < 0n ? !wiped : this.#connections.open(Number(owner)) >= 0) continue;
      if (Atomics.compareExchange(this.#owners, cell, owner, BigInt(session)) !== owner) continue;
      this.#from = (cell + 1) % this.#cells;
      return cell;
    }
    return -1;
  }

  #text(from: number, length: number): string {
    return this.#bytes.toString('utf8', from, from + length);
  }

  #load(index: number): number {
    return Atomics.load(this.#words, index);
  }

  #store(index: number, value: number): void {
    Atomics.store(this.#words, index, value);
  }
}

/** The next that is not 0, and not where the present state lies. */
function nextKept(kept: number): number {
  const next = (kept + 1) | 0;
  return next === 0 ? 2 : next;
}

function parsed(text: string): KeptRequest | undefined {
  try {
    const { name, url, headers, accepted } = JSON.parse(text) as Partial<KeptRequest>;
    if (typeof name !== 'string' || typeof url !== 'string' || !isTexts(headers) || !isTexts(accepted))
      return undefined;
    return { name, url, headers, accepted };
  } catch {
    // No text of this table's: a process has written over it.
    return undefined;
  }
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string');
}

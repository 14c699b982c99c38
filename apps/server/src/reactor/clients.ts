import type { SessionId, Unchecked } from '../contract/ids.js';
import type { Client } from './client.js';

/** Clients of a page: one is made when the first of its clients comes, and stays. */
const PAGE = 256;

type Page = (Client | undefined)[];

/**
 * The clients of a reactor thread by their sessions. No two that are open have the same slot in the shared table, so it
 * is the slot's number that finds one: in a third of a Map's memory.
 */
export class Clients {
  readonly #capacity: number;
  readonly #parts: number;
  readonly #pages: (Page | undefined)[];
  #size = 0;

  /** `capacity`: slots of the table, of which this thread has every `parts`-th. */
  constructor(capacity: number, parts: number) {
    this.#capacity = capacity;
    this.#parts = parts;
    this.#pages = new Array(Math.ceil(capacity / parts / PAGE)).fill(undefined);
  }

  get size(): number {
    return this.#size;
  }

  get(session: Unchecked<SessionId>): Client | undefined {
    const place = this.#place(session);
    const client = this.#pages[(place / PAGE) | 0]?.[place % PAGE];
    return client?.session === session ? client : undefined;
  }

  /** Adds a client, whose slot no other client has any more. */
  add(client: Client): void {
    const place = this.#place(client.session);
    const at = (place / PAGE) | 0;
    this.#pages[at] ??= new Array(PAGE).fill(undefined);
    (this.#pages[at] as Page)[place % PAGE] = client;
    this.#size++;
  }

  delete(client: Client): void {
    if (this.get(client.session) !== client) return;
    const place = this.#place(client.session);
    (this.#pages[(place / PAGE) | 0] as Page)[place % PAGE] = undefined;
    this.#size--;
  }

  /** All that there are now; what comes and goes meanwhile changes nothing in the list. */
  all(): Client[] {
    const all: Client[] = [];
    for (const page of this.#pages) if (page) for (const client of page) if (client) all.push(client);
    return all;
  }

  /** The slot's number among this thread's. */
  #place(session: Unchecked<SessionId>): number {
    return ((session % this.#capacity) / this.#parts) | 0;
  }
}

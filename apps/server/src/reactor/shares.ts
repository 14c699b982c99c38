import type { Client, ClientLink } from './client.js';
import type { Flow } from './in-flight.js';
import { PAUSE_SHARE } from './pause-reasons.js';

/** Messages that one client may have under way to one worker, and their bytes. */
export interface Share {
  readonly messages: number;
  readonly bytes: number;
}

/**
 * Datagrams that may be under way to one worker. Their senders cannot be held, and an address costs nothing, so all of them
 * have one share: more than a client's, for what is beyond it is lost. Two bursts of a socket have room in it.
 */
const DATAGRAMS = 128;

/**
 * What one client may have under way to a worker. A worker takes messages in the order in which they were sent to it: what
 * one client has there is what all others wait for. So a client that has its share is not read from, until the worker has
 * taken half of it: it is asked to say so each time that half has been sent, so that a client that is alone hardly waits.
 */
export class Shares {
  readonly #share: Share;
  readonly #datagrams: Share;
  /** Whether the messages of one client may be under way to several workers. */
  readonly #spreads: boolean;

  constructor(workers: readonly ClientLink[], share: Share, spreads: boolean) {
    this.#share = share;
    this.#datagrams = { messages: DATAGRAMS, bytes: share.bytes };
    this.#spreads = spreads;
    for (const worker of workers) worker.onTaken = (flow) => this.#taken(flow, worker);
  }

  /** What `client` has under way to `worker`. */
  flow(client: Client, worker: ClientLink): Flow<Client> {
    return this.#spreads || worker !== client.owner ? client.flowTo(worker) : client;
  }

  /** Whether `client` may send one more message to `worker`. */
  hasRoom(client: Client, worker: ClientLink): boolean {
    const flow = this.flow(client, worker);
    return isBelow(flow, this.#share, worker.shares(flow));
  }

  /** Whether one more datagram may be under way to `worker`. */
  hasRoomForDatagram({ datagrams }: ClientLink): boolean {
    return isBelow(datagrams, this.#datagrams, 1);
  }

  /**
   * A message has been sent to `worker`. A client that has its share has sent less than half of it since the last question: when
   * that is answered, it has room again.
   */
  sent(flow: Flow<Client | undefined>, worker: ClientLink): void {
    const share = flow === worker.datagrams ? this.#datagrams : this.#share;
    const half = (flow === worker.datagrams ? 1 : worker.shares(flow)) / 2;
    if (flow.sinceAsked < share.messages * half && flow.sinceAskedBytes < share.bytes * half) return;
    flow.sinceAsked = flow.sinceAskedBytes = 0;
    worker.askTaken();
  }

  #taken(flow: Flow<Client | undefined>, worker: ClientLink): void {
    const { client, inFlight, inFlightBytes } = flow;
    if (!client?.isPausedFor(PAUSE_SHARE)) return;
    const half = worker.shares(flow) / 2;
    if (inFlight <= this.#share.messages * half && inFlightBytes <= this.#share.bytes * half)
      client.resumeFor(PAUSE_SHARE);
  }
}

function isBelow({ inFlight, inFlightBytes }: Flow<unknown>, share: Share, shares: number): boolean {
  return inFlight < share.messages * shares && inFlightBytes < share.bytes * shares;
}

import { responseAux } from '../links/packet.js';

/** What Node's response says of itself, in every version; none of it is in its types. */
export interface TrackedResponse {
  /** `end` was called. */
  readonly finished: boolean;
  /** Its head was written, which an interim response does not count for. */
  readonly _headerSent: boolean;
  /** What it has not handed to the socket. */
  readonly outputData: readonly unknown[];
  /** What its head is, once it has one. */
  readonly _header: string | null;
  /** Whether its head says that the connection goes on. */
  shouldKeepAlive: boolean;
}

/**
 * Keeps account of the requests of one connection, and of which answers end with which bytes. node:http answers the requests one
 * after the other, and says by the socket's `_httpMessage` which of its responses has the socket.
 */
export class ResponseLedger {
  /** The last request that was taken, where requests are cut, and whether the rest of it is still to come. */
  taken = 0;
  inside = false;
  /** Requests that have come whole and are not answered, where requests are cut. */
  open = 0;
  /** Requests that are answered, and have not come whole: a program may answer before. */
  early = 0;
  /** Whether the worker counts the connection among those that have something in hand. */
  isCounted = false;
  #response: TrackedResponse | null = null;
  /** The end of the response that has the socket is among those below, or has been told. */
  #counted = false;
  /** Responses that have ended and of which that has not been told. */
  #untold = 0;

  get response(): TrackedResponse | null {
    return this.#response;
  }

  /** Another response has the socket, or none. */
  set response(response: TrackedResponse | null) {
    this.settle(true);
    if (this.#response !== null && !this.#counted) this.#untold++;
    this.#response = response;
    this.#counted = false;
  }

  /** Whether something is to be told, though there are no bytes to tell it with. */
  get owes(): boolean {
    return this.#untold > 0;
  }

  /** Whether a response has the socket, and has not ended. */
  get isAnswering(): boolean {
    return this.#response !== null && !this.#counted;
  }

  /** The connection is to end with the answer that is given now, if that has not said otherwise yet. */
  endWithAnswer(): void {
    const response = this.#response;
    if (response !== null && response._header === null) response.shouldKeepAlive = false;
  }

  /** A request has come whole. True: it was answered before. */
  isWhole(): boolean {
    if (this.early > 0) {
      this.early--;
      return true;
    }
    this.open++;
    return false;
  }

  /** So many answers have ended. Returns of how many of them the request has come whole. */
  answered(count: number): number {
    const done = Math.min(this.open, count);
    this.open -= done;
    this.early += count - done;
    return done;
  }

  /** Whether there is something to answer of which nothing more has to come. */
  get isInHand(): boolean {
    return !this.inside && (this.open > 0 || this.isAnswering);
  }

  /** Whether the connection is between two requests: any process can go on with it. */
  get isAtBoundary(): boolean {
    return !this.inside && this.open === 0 && !this.isAnswering;
  }

  /** Notes whether the response has handed over all of its bytes; `empty`: and the socket has them no longer. */
  settle(empty: boolean): void {
    const response = this.#response;
    if (response === null || this.#counted || !empty) return;
    if (!response.finished || response.outputData.length > 0) return;
    this.#counted = true;
    this.#untold++;
  }

  /** The aux of bytes that are sent: `last`, when none follow them by now. */
  aux(last: boolean): number {
    if (!last) return responseAux(0, true);
    const ended = this.#untold;
    this.#untold = 0;
    const response = this.#response;
    if (response !== null) return responseAux(ended, !this.#counted && response._headerSent);
    // An answer of no response: node:http refuses a request that it cannot read, say. It closes the connection behind it.
    return responseAux(ended, ended === 0);
  }
}

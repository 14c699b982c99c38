import type { PeerId, ReactorIndex, WorkerId } from '../contract/ids.js';
import { ASK_TAKEN, Packet } from '../links/packet.js';
import type { PacketChannel } from '../links/packet-channel.js';
import type { ConnectionSlot } from '../shared/connection-table.js';
import type { CounterBlock } from '../shared/counter-block.js';
import type { Counters } from '../shared/counters.js';
import {
  CONNECTIONS,
  DISPATCHED,
  IN_FLIGHT_RESET,
  WORKER_LENGTH,
  workersAt,
} from '../shared/counters-layout.js';
import type { SessionTrace } from '../shared/session-trace.js';
import { DISPATCHED as TRACE_DISPATCHED } from '../shared/trace-layout.js';
import { type Flow, InFlight } from './in-flight.js';
import { LoneClient } from './lone-client.js';
import type { Pausable } from './pause-reasons.js';
import { WaitingLine } from './waiting-line.js';

/** Messages under way after which a worker is asked in any case how many of them it has taken. */
const ASK_AFTER = 256;

/** Milliseconds without a message taken after which a worker is thought to stand still. */
const STILL_MS = 1;

/** The way to one worker, and the clients that wait for it to take more. */
export class WorkerLink<Sender> {
  /** What the process behind it is to reactor threads. */
  readonly peer: PeerId;
  /** Clients that wait for room; those of several workers may wait in one. */
  line: WaitingLine;
  /** Told of each message that the worker has taken. */
  onTaken: (flow: Flow<Sender | undefined>) => void = () => {};
  /** What datagrams have under way to the worker, those of all senders and listeners together. */
  readonly datagrams: Flow<undefined> = {
    client: undefined,
    inFlight: 0,
    inFlightBytes: 0,
    sinceAsked: 0,
    sinceAskedBytes: 0,
  };
  readonly #flight = new InFlight<Sender | undefined>((flow) => this.onTaken(flow));
  readonly #lone = new LoneClient();
  readonly #ask = new Packet();
  /** The number of the message that the worker was last asked about. */
  #asked = this.#flight.last;
  readonly #all: Counters;
  readonly #reactor: ReactorIndex;
  readonly #own: CounterBlock;
  readonly #at: number;
  /** Where what lies before it has begun when that was looked at first, and when that was; 0: nothing did. */
  #stillAt = 0;
  #stillSince = 0;
  /** The server was scaled down by it: it finishes what it has, and gets nothing more. */
  leaving = false;
  /** A worker has died since the start. */
  #hasForgiven = false;

  constructor(
    readonly worker: WorkerId,
    readonly channel: PacketChannel,
    counters: Counters,
    own: CounterBlock,
    reactor: ReactorIndex,
    /** Runs a function at the end of this turn, or of the next. */
    defer: (callback: () => void) => void,
    /** Writes to the slots of clients. */
    readonly slot: ConnectionSlot,
    readonly trace: SessionTrace,
  ) {
    this.peer = worker;
    this.#all = counters;
    this.#reactor = reactor;
    this.#own = own;
    this.#at = workersAt(counters.shape) + worker * WORKER_LENGTH;
    this.line = new WaitingLine(() => this.writable, defer);
    channel.on('drain', () => this.line.release());
  }

  get writable(): boolean {
    return this.channel.writable;
  }

  /** Whether it has taken nothing for a while of what lies before it: its loop stands still. Not known of a pipe. */
  get isStuck(): boolean {
    const { unreadBytes, takenBytes } = this.channel;
    if (unreadBytes === 0) this.#stillSince = 0;
    else if (this.#stillSince === 0 || takenBytes !== this.#stillAt) {
      this.#stillSince = performance.now();
      this.#stillAt = takenBytes;
    } else return performance.now() - this.#stillSince > STILL_MS;
    return false;
  }

  /** Sessions of all reactor threads that are this worker's own. */
  get connections(): number {
    return this.#all.ofWorker(this.worker, CONNECTIONS);
  }

  /** Messages of all reactor threads that this worker has not finished. */
  get underWay(): number {
    if (this.#hasForgiven) this.#settle();
    return this.#all.underWay(this.worker);
  }

  /** Sends a message, and counts it; in `flow`, where what its sender has under way is bounded. */
  dispatch(message: Packet, flow?: Flow<Sender | undefined>): void {
    if (this.#hasForgiven) this.#settle();
    this.count(DISPATCHED, 1);
    if (flow !== undefined && this.#lone.sends(flow)) this.askTaken();
    const { session, type, start, end, aux } = message;
    this.trace.note(session, TRACE_DISPATCHED, type, end - start, aux, this.worker);
    this.channel.send(message);
    if (flow === undefined) return;
    this.#flight.add(flow, end - start);
    if (this.#flight.size >= ASK_AFTER && ((this.#flight.last - this.#asked) | 0) >= ASK_AFTER)
      this.askTaken();
  }

  /** Asks the worker to say when it has taken what is on its way now. */
  askTaken(): void {
    const { last } = this.#flight;
    if (last === this.#asked) return;
    this.#asked = last;
    this.#flight.endRun();
    this.#lone.asked(last);
    this.channel.send(this.#ask.set(ASK_TAKEN, 0, last));
  }

  /** Has the worker answer when it reads what comes here, whatever it has been asked about before. */
  askWhetherBack(): void {
    this.#flight.endRun();
    this.channel.send(this.#ask.set(ASK_TAKEN, 0, this.#flight.last));
  }

  /** The worker has taken its messages up to number `last`. */
  taken(last: number): void {
    // What is beyond a smaller share may not have been asked about.
    if (this.#lone.taken(last)) this.askTaken();
    this.#flight.taken(last);
  }

  /** Shares that the client of `flow` may have under way: more than one while it is the only one to send. */
  shares(flow: Flow<unknown>): number {
    return this.#lone.shares(flow);
  }

  countConnection(by: 1 | -1): void {
    this.count(CONNECTIONS, by);
  }

  /**
   * The worker has died: what it had taken and not finished will never be. What it had not taken cannot be told from
   * that; it is forgiven as well, and taken back once the replacement has finished it.
   */
  replaced(): void {
    this.#hasForgiven = true;
    this.count(IN_FLIGHT_RESET, this.#all.underWayFrom(this.#reactor, this.worker));
    this.forgive();
  }

  /** What is under way will not be said to have been taken. */
  forgive(): void {
    // The answer may have gone down with it.
    this.#asked = this.#flight.last;
    this.#lone.reset();
    this.#flight.forgive();
  }

  /** More is done than there was to do: so much was forgiven too much. */
  #settle(): void {
    const mine = this.#all.underWayFrom(this.#reactor, this.worker);
    if (mine < 0) this.count(IN_FLIGHT_RESET, mine);
  }

  /** Reads no more from `client` until the worker has taken what waits for it. */
  hold(client: Pausable): void {
    this.line.hold(client);
  }

  forget(client: Pausable): void {
    this.line.forget(client);
  }

  protected count(counter: number, by: number): void {
    this.#own.add(this.#at + counter, by);
  }
}

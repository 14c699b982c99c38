import type { InetAddress, StreamConnection } from '@millrace/reactor';
import type { ListenerIndex, PeerId, SessionId } from '../contract/ids.js';
import type { ConnectionSlot } from '../shared/connection-table.js';
import type { HttpClient } from './http/http-client.js';
import type { Flow } from './in-flight.js';
import type { Pausable } from './pause-reasons.js';
import type { WorkerLink } from './worker-link.js';

/** What carries the messages of clients to one worker. */
export type ClientLink = WorkerLink<Client>;

const NO_LINKS: readonly ClientLink[] = [];

/** What is to be known of few clients. */
class Exceptional {
  /** A process has asked to close it. */
  closedByWorker = false;
  /** Why it is closed from this side, where it was not asked for. */
  closedFor: 'idle' | 'dispatch' | 'output-limit' | 'memory' | 'death' | undefined = undefined;
  /** Closed as idle, it was for want of a heartbeat. */
  isSilent = false;
  /** Processes that want to hear when there is room for more output. */
  waiters: Set<PeerId> | undefined = undefined;
  /** More than the high-water mark waits for it. */
  congested = false;
  /** How many files wait for it. */
  files = 0;
  /** When its output last moved, while it is being closed. */
  movedAt = 0;
  /** The worker that got its last message, where that is not always its own. */
  latestWorker: ClientLink | undefined = undefined;
  /** Workers other than its own that know of it. */
  visited: Set<ClientLink> | undefined = undefined;
  /** What it has under way to each worker, by number, in the modes that choose one for each message. */
  flows: Flow<Client>[] | undefined = undefined;
  /** Workers that have not answered yet that they have nothing more to send. */
  endings: Set<ClientLink> | undefined = undefined;
  peer: InetAddress | undefined = undefined;
}

const USUAL: Readonly<Exceptional> = Object.freeze(new Exceptional());

/**
 * A connected client, as its reactor thread knows it. There may be very many that are idle: what its slot in the shared
 * table says is not here as well, and what few clients need is made when it is needed.
 */
export class Client implements Pausable, Flow<Client> {
  connection!: StreamConnection<Client>;
  inFlight = 0;
  inFlightBytes = 0;
  sinceAsked = 0;
  sinceAskedBytes = 0;
  readonly #slot: number;
  #pauseReasons = 0;
  #exceptional: Readonly<Exceptional> = USUAL;

  constructor(
    readonly session: SessionId,
    readonly listener: ListenerIndex,
    /** Its own worker: gets connect and close. Another one, where the server is scaled down by it. */
    public owner: ClientLink,
    /** Where its slot begins. */
    slot: number,
  ) {
    this.#slot = slot;
  }

  /** What carries its messages: where its worker was replaced, the way to the process that still has it. */
  get link(): ClientLink {
    return this.owner;
  }

  /** What the shared table says of it; to be used at once, for there is one for all. */
  get slot(): ConnectionSlot {
    return this.owner.slot.at(this.#slot);
  }

  /** The worker that got its last message, in the modes that choose for each. */
  get latestWorker(): ClientLink {
    return this.rare.latestWorker ?? this.owner;
  }

  /** What is known of few clients; to be changed by `ensureRare` only. */
  get rare(): Readonly<Exceptional> {
    return this.#exceptional;
  }

  /** The same to write to. */
  ensureRare(): Exceptional {
    if (this.#exceptional === USUAL) this.#exceptional = new Exceptional();
    return this.#exceptional as Exceptional;
  }

  get peer(): InetAddress {
    const { peer } = this.rare;
    if (peer !== undefined) return peer;
    const read = this.slot.peer;
    this.ensureRare().peer = read;
    return read;
  }

  /** As `remoteAddress` shows it. */
  get address(): Buffer {
    return addressOf(this.slot.peer);
  }

  /** Workers other than its own that know of it. */
  get visited(): Iterable<ClientLink> {
    return this.rare.visited ?? NO_LINKS;
  }

  /** A message of it goes to `worker`. */
  visits(worker: ClientLink): void {
    if (worker !== this.latestWorker) this.ensureRare().latestWorker = worker;
    if (worker === this.owner) return;
    const { visited } = this.rare;
    if (visited === undefined) this.ensureRare().visited = new Set([worker]);
    else visited.add(worker);
  }

  /** `worker` has had messages of it, and is not its own any more. */
  knows(worker: ClientLink): void {
    const state = this.ensureRare();
    state.visited ??= new Set();
    state.visited.add(worker);
    state.visited.delete(this.owner);
  }

  /** `worker` has ended, and has no successor. */
  forgets(worker: ClientLink): void {
    this.rare.visited?.delete(worker);
    if (this.rare.latestWorker === worker) this.ensureRare().latestWorker = undefined;
  }

  /** Whether a worker that the server is scaled down by may still have messages of it. */
  get isKnownToLeaving(): boolean {
    if (this.owner.leaving) return true;
    for (const worker of this.visited) if (worker.leaving) return true;
    return false;
  }

  /** `peer` wants to hear when there is room for more output. */
  addWaiter(peer: PeerId): void {
    const { waiters } = this.rare;
    if (waiters === undefined) this.ensureRare().waiters = new Set([peer]);
    else waiters.add(peer);
  }

  /** What `from` waits for it is told to `to`. */
  moveWaiter(from: PeerId, to: PeerId): void {
    const { waiters } = this.rare;
    if (waiters?.delete(from)) waiters.add(to);
  }

  /** `worker` is asked whether it has nothing more to send. */
  asks(worker: ClientLink): void {
    const { endings } = this.rare;
    if (endings === undefined) this.ensureRare().endings = new Set([worker]);
    else endings.add(worker);
  }

  /** Whether `worker` has been asked and has not answered. */
  awaits(worker: ClientLink): boolean {
    return this.rare.endings?.has(worker) ?? false;
  }

  /** What was asked of `from` is answered by `to`. */
  moveEnding(from: ClientLink, to: ClientLink): void {
    const { endings } = this.rare;
    if (endings?.delete(from)) endings.add(to);
  }

  /** Whether some worker has been asked and has not answered. */
  get isEnding(): boolean {
    return (this.rare.endings?.size ?? 0) > 0;
  }

  /** The process of that number has nothing more to send; true when no other is waited for. */
  ended(worker: PeerId): boolean {
    const { endings } = this.rare;
    if (endings === undefined) return true;
    for (const link of endings) if (link.peer === worker) endings.delete(link);
    return endings.size === 0;
  }

  /** Sends, and publishes what that leaves waiting. */
  write(bytes: Uint8Array, start: number, end: number, now: number): void {
    const { connection } = this;
    const before = connection.queuedBytes;
    connection.write(bytes, start, end);
    // Then the slot may be another one's by now.
    if (connection.closed) return;
    const queued = connection.queuedBytes;
    if (queued - before < end - start) this.slot.sent(now);
    this.slot.took(end - start, queued);
  }

  /** By which output may be sent for it, for {@link wrote} to be told of; or -1. */
  get writableFd(): number {
    return this.connection.writableFd;
  }

  /** Instead of `write`, where that was sent by `writableFd`. */
  wrote(bytes: Uint8Array, start: number, end: number, now: number, result: number): void {
    const { connection } = this;
    connection.wrote?.(bytes, start, end, result);
    // Then the slot may be another one's by now.
    if (connection.closed) return;
    if (result > 0) this.slot.sent(now);
    this.slot.took(end - start, connection.queuedBytes);
  }

  /** The clock that its times were taken from was set. */
  moveTimes(by: number): void {
    this.slot.moveTimes(by);
    if (this.rare.movedAt > 0) this.ensureRare().movedAt += by;
  }

  /** Bytes that the server holds for it. */
  get memoryBytes(): number {
    return this.connection.memoryBytes;
  }

  /** What it is where its worker keeps something of it. */
  get http(): HttpClient | undefined {
    return undefined;
  }

  /** What it has under way to its own worker. */
  get client(): this {
    return this;
  }

  /** What it has under way to `worker`, in the modes that choose one for each message. */
  flowTo({ worker }: ClientLink): Flow<Client> {
    const flow = this.rare.flows?.[worker];
    if (flow !== undefined) return flow;
    const state = this.ensureRare();
    state.flows ??= [];
    const made = { client: this, inFlight: 0, inFlightBytes: 0, sinceAsked: 0, sinceAskedBytes: 0 };
    state.flows[worker] = made;
    return made;
  }

  /** Whether that is a reason why it is not read from. */
  isPausedFor(reason: number): boolean {
    return (this.#pauseReasons & reason) !== 0;
  }

  pauseFor(reason: number): void {
    this.#pauseReasons |= reason;
    this.connection.pause();
  }

  resumeFor(reason: number): void {
    this.#pauseReasons &= ~reason;
    if (this.#pauseReasons === 0) this.connection.resume();
  }

  /** Whatever the reasons were: what it sends is dropped. */
  protected resume(): void {
    this.#pauseReasons = 0;
    this.connection.resume();
  }
}

/** As `remoteAddress` shows it; empty for a unix socket. */
export function addressOf({ host, port }: InetAddress): Buffer {
  if (host === '') return Buffer.alloc(0);
  return Buffer.from(host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`);
}

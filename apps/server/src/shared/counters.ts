import { CLOSE_CAUSES, type CloseCounts } from '../contract/close-causes.js';
import {
  asReactor,
  type ListenerIndex,
  type PeerId,
  type ReactorIndex,
  type Unchecked,
  type WorkerId,
  workerOfReactor,
} from '../contract/ids.js';
import { CounterBlock, countOf } from './counter-block.js';
import * as layout from './counters-layout.js';

/**
 * What the server counts; see counters-layout.ts for who writes what. Every process maps it and may have written over
 * anything: what cannot be is read as 0, and who counts restores it (counter-block.ts).
 */
export class Counters {
  readonly doubles: Float64Array;
  readonly shape: layout.CountersShape;
  readonly #words: Int32Array;
  readonly #ofServer: CounterBlock;
  /** In base mode, of a reactor of this process: its open connections. */
  readonly #ownOpen: Int32Array;

  constructor(memory: ArrayBuffer, shape: layout.CountersShape) {
    const bytes = layout.countersBytes(shape);
    this.shape = shape;
    this.doubles = new Float64Array(memory, 0, bytes / 8);
    this.#words = new Int32Array(memory, 0, bytes / 4);
    this.#ofServer = new CounterBlock(this.doubles.subarray(0, layout.reactorAt(shape, 0)));
    this.#ownOpen = new Int32Array(shape.reactors);
  }

  static bytes(shape: layout.CountersShape): number {
    return layout.countersBytes(shape);
  }

  /** A counter of the server as a whole; the master sets it. */
  server(counter: number): number {
    return countOf(this.doubles[counter] as number);
  }

  /** Master: sets a counter of the server. */
  setServer(counter: number, value: number): void {
    this.#ofServer.set(counter, value);
  }

  /** Master: from here on what is there of the server as a whole is what it has set, but for what all processes count. */
  keepServer(): void {
    const { ROUND_WORD, OUT_OF_DESCRIPTORS, LOST_LOG_LINES, STATE } = layout;
    this.#ofServer
      .keep(0, ROUND_WORD / 2)
      .keep(OUT_OF_DESCRIPTORS, LOST_LOG_LINES)
      .keep(STATE);
  }

  /** Of a reactor of this thread: its part, of which it is the only writer, but for OPEN_HERE. */
  keepReactor(reactor: Unchecked<ReactorIndex>): CounterBlock {
    const open = layout.OPEN_HERE_WORD / 2;
    return new CounterBlock(this.reactor(reactor)).keep(0, open).keep(open + 1);
  }

  /** Of the process that has a place, or of the manager while none has it: what is counted there of the work. */
  keepProcess(process: Unchecked<PeerId>): CounterBlock {
    return new CounterBlock(this.process(process))
      .keep(layout.REQUESTS, layout.TASKS_FAILED + 1)
      .keep(layout.DONE);
  }

  /** Master: counts one more. */
  countServer(counter: number): void {
    this.#ofServer.add(counter, 1);
  }

  /** Master: stores anew what other processes have written over; returns how many counters those were. */
  restoreServer(): number {
    return this.#ofServer.restore();
  }

  /** The number that a listener is bound to; 0: it has a path, or is not bound. */
  port(index: number): number {
    const bound = this.server(layout.PORTS + index);
    return bound === layout.ON_PATH ? 0 : bound;
  }

  /** Whether a listener is bound, to a port or, where a program has asked for it, to a path. */
  listens(index: number): boolean {
    return this.server(layout.PORTS + index) !== 0;
  }

  /** The turn of the next message in a round over all reactor threads: 0, 1, 2, … */
  nextRound(): number {
    return Atomics.add(this.#words, layout.ROUND_WORD, 1) >>> 0;
  }

  /** Counts lines of the log that are lost, of any process; returns how many there were before. */
  loseLogLines(lines: number): number {
    return Number(Atomics.add(this.#lostLogLines(), 0, BigInt(lines)));
  }

  get lostLogLines(): number {
    return Number(Atomics.load(this.#lostLogLines(), 0));
  }

  #lostLogLines(): BigInt64Array {
    return new BigInt64Array(this.doubles.buffer, layout.LOST_LOG_LINES * 8, 1);
  }

  /** The part that belongs to one reactor thread. */
  reactor(reactor: Unchecked<ReactorIndex>): Float64Array {
    const at = layout.reactorAt(this.shape, reactor);
    return this.doubles.subarray(at, layout.reactorAt(this.shape, reactor + 1));
  }

  /** The part that belongs to one process, by its flat id. */
  process(process: Unchecked<PeerId>): Float64Array {
    const at = layout.processAt(this.shape, process);
    return this.doubles.subarray(at, layout.processAt(this.shape, process + 1));
  }

  /** In base mode: counts one more open connection of `reactor`, unless that makes more than `limit` of all. */
  enter(reactor: Unchecked<ReactorIndex>, limit: number): boolean {
    // First its own, then those of all: of two that come at once, one at least sees both.
    let open = this.#setOpen(reactor, (this.#ownOpen[reactor] as number) + 1);
    for (let r = 0; r < this.shape.reactors; r++) {
      if (r === reactor) continue;
      const others = this.open(r);
      // One more while the last one enters; what lies beyond was written over, and its owner restores it within a second.
      if (others >= 0 && others <= limit + 1) open += others;
    }
    if (open <= limit) return true;
    this.leave(reactor);
    return false;
  }

  /** In base mode: open connections of `reactor`. */
  open(reactor: Unchecked<ReactorIndex>): number {
    return Atomics.load(this.#words, this.#openAt(reactor));
  }

  /** In base mode: a connection of `reactor` is closed. */
  leave(reactor: Unchecked<ReactorIndex>): void {
    this.#setOpen(reactor, (this.#ownOpen[reactor] as number) - 1);
  }

  /** In base mode: stores the open connections of `reactor`, of this process, anew; returns whether they were written over. */
  restoreOpen(reactor: Unchecked<ReactorIndex>): boolean {
    const own = this.#ownOpen[reactor] as number;
    return Atomics.exchange(this.#words, this.#openAt(reactor), own) !== own;
  }

  #setOpen(reactor: Unchecked<ReactorIndex>, open: number): number {
    this.#ownOpen[reactor] = open;
    Atomics.store(this.#words, this.#openAt(reactor), open);
    return open;
  }

  /** In base mode: no connection of `reactor` is open, nor any message under way, for its process has died. */
  abandon(reactor: Unchecked<ReactorIndex>): void {
    const own = this.reactor(reactor);
    this.#setOpen(reactor, 0);
    const closed = countOf(own[layout.CLOSED] as number);
    own[layout.CLOSED] = countOf(own[layout.ACCEPTED_HERE] as number);
    const died = layout.CLOSED_FOR + CLOSE_CAUSES.indexOf('worker_died');
    own[died] = countOf(own[died] as number) + Math.max(0, (own[layout.CLOSED] as number) - closed);
    for (let listener = 0; listener < this.shape.listeners; listener++) {
      const at = layout.listenerAt(listener);
      own[at + layout.LISTENER_CLOSED] = countOf(own[at + layout.LISTENER_ACCEPTED] as number);
    }
    own[layout.MEMORY] = 0;
    const at = layout.workersAt(this.shape) + reactor * layout.WORKER_LENGTH;
    own[at + layout.CONNECTIONS] = 0;
    own[at + layout.IN_FLIGHT_RESET] =
      countOf(own[at + layout.IN_FLIGHT_RESET] as number) +
      this.underWayFrom(reactor, workerOfReactor(asReactor(reactor)));
  }

  /** In base mode, the session id that each reactor has given out last. */
  lastSessions(): number[] {
    return Array.from({ length: this.shape.reactors }, (_, reactor) =>
      countOf(this.reactor(reactor)[layout.LAST_SESSION_HERE] as number),
    );
  }

  #openAt(reactor: Unchecked<ReactorIndex>): number {
    return layout.reactorAt(this.shape, reactor) * 2 + layout.OPEN_HERE_WORD;
  }

  /** A counter of all reactor threads together. */
  ofReactors(counter: number): number {
    let sum = 0;
    for (let r = 0; r < this.shape.reactors; r++)
      sum += countOf(this.doubles[layout.reactorAt(this.shape, r) + counter] as number);
    return sum;
  }

  /** A counter that reactors keep for each listener, of one listener. */
  ofListener(listener: Unchecked<ListenerIndex>, counter: number): number {
    return this.ofReactors(layout.listenerAt(listener) + counter);
  }

  /** A counter that reactors keep for each listener, of all of them. */
  ofListeners(counter: number): number {
    let sum = 0;
    for (let listener = 0; listener < this.shape.listeners; listener++)
      sum += this.ofListener(listener, counter);
    return sum;
  }

  /** How many connections were closed for what. */
  closeCounts(): CloseCounts {
    const counts = CLOSE_CAUSES.map((cause, at) => [cause, this.ofReactors(layout.CLOSED_FOR + at)]);
    return Object.fromEntries(counts) as CloseCounts;
  }

  /** A counter of all reactor threads but one together; one of them that is above `most` was written over. */
  ofOtherReactors(reactor: Unchecked<ReactorIndex>, counter: number, most: number): number {
    let sum = 0;
    for (let r = 0; r < this.shape.reactors; r++) {
      const value =
        r === reactor ? 0 : countOf(this.doubles[layout.reactorAt(this.shape, r) + counter] as number);
      if (value <= most) sum += value;
    }
    return sum;
  }

  /** A counter of one process, by its flat id. */
  ofProcess(process: number, counter: number): number {
    return countOf(this.doubles[layout.processAt(this.shape, process) + counter] as number);
  }

  /** A counter that reactor threads keep for each worker, of one worker. */
  ofWorker(worker: Unchecked<WorkerId>, counter: number): number {
    return this.ofReactors(layout.workersAt(this.shape) + worker * layout.WORKER_LENGTH + counter);
  }

  /** Messages of one reactor thread that a worker has not finished; below 0 where more was forgiven than was lost. */
  underWayFrom(reactor: Unchecked<ReactorIndex>, worker: Unchecked<WorkerId>): number {
    const { doubles, shape } = this;
    const at = layout.reactorAt(shape, reactor) + layout.workersAt(shape) + worker * layout.WORKER_LENGTH;
    const done = doubles[layout.processAt(shape, worker) + layout.DONE + reactor] as number;
    const underWay =
      (doubles[at + layout.DISPATCHED] as number) - (doubles[at + layout.IN_FLIGHT_RESET] as number) - done;
    return Number.isSafeInteger(underWay) ? underWay : 0;
  }

  /** Messages that have been sent to a worker and that it has not finished. */
  underWay(worker: Unchecked<WorkerId>): number {
    let sum = 0;
    for (let r = 0; r < this.shape.reactors; r++) sum += Math.max(0, this.underWayFrom(r, worker));
    return sum;
  }
}

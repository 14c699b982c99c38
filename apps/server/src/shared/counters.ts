import * as layout from './counters-layout.js';

/** What the server counts; see counters-layout.ts for who writes what. */
export class Counters {
  readonly doubles: Float64Array;
  readonly shape: layout.CountersShape;
  readonly #words: Int32Array;

  constructor(memory: ArrayBuffer, shape: layout.CountersShape) {
    const bytes = layout.countersBytes(shape);
    this.shape = shape;
    this.doubles = new Float64Array(memory, 0, bytes / 8);
    this.#words = new Int32Array(memory, 0, bytes / 4);
  }

  static bytes(shape: layout.CountersShape): number {
    return layout.countersBytes(shape);
  }

  /** A counter of the server as a whole; the master sets it. */
  server(counter: number): number {
    return this.doubles[counter] as number;
  }

  setServer(counter: number, value: number): void {
    this.doubles[counter] = value;
  }

  port(index: number): number {
    return this.server(layout.PORTS + index);
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
  reactor(reactor: number): Float64Array {
    const at = layout.reactorAt(this.shape, reactor);
    return this.doubles.subarray(at, layout.reactorAt(this.shape, reactor + 1));
  }

  /** The part that belongs to one process, by its flat id. */
  process(process: number): Float64Array {
    const at = layout.processAt(this.shape, process);
    return this.doubles.subarray(at, layout.processAt(this.shape, process + 1));
  }

  /** In base mode: counts one more open connection of `reactor`, unless that makes more than `limit` of all. */
  enter(reactor: number, limit: number): boolean {
    // First its own, then everybody's: of two that come at once, one at least sees both.
    Atomics.add(this.#words, this.#openAt(reactor), 1);
    let open = 0;
    for (let r = 0; r < this.shape.reactors; r++) open += this.open(r);
    if (open <= limit) return true;
    this.leave(reactor);
    return false;
  }

  /** In base mode: open connections of `reactor`. */
  open(reactor: number): number {
    return Atomics.load(this.#words, this.#openAt(reactor));
  }

  /** In base mode: a connection of `reactor` is closed. */
  leave(reactor: number): void {
    Atomics.sub(this.#words, this.#openAt(reactor), 1);
  }

  /** In base mode: no connection of `reactor` is open, nor any message under way, for its process has died. */
  abandon(reactor: number): void {
    const own = this.reactor(reactor);
    Atomics.store(this.#words, this.#openAt(reactor), 0);
    own[layout.CLOSED] = own[layout.ACCEPTED_HERE] as number;
    own[layout.MEMORY] = 0;
    const at = layout.WORKERS + reactor * layout.WORKER_LENGTH;
    own[at + layout.CONNECTIONS] = 0;
    own[at + layout.FORGIVEN] = (own[at + layout.FORGIVEN] as number) + this.underWayFrom(reactor, reactor);
  }

  /** In base mode, the session id that each reactor has given out last. */
  lastSessions(): number[] {
    return Array.from(
      { length: this.shape.reactors },
      (_, reactor) => this.reactor(reactor)[layout.LAST_SESSION_HERE] as number,
    );
  }

  #openAt(reactor: number): number {
    return layout.reactorAt(this.shape, reactor) * 2 + layout.OPEN_HERE_WORD;
  }

  /** A counter of all reactor threads together. */
  ofReactors(counter: number): number {
    let sum = 0;
    for (let r = 0; r < this.shape.reactors; r++)
      sum += this.doubles[layout.reactorAt(this.shape, r) + counter] as number;
    return sum;
  }

  /** A counter that reactor threads keep for each worker, of one worker. */
  ofWorker(worker: number, counter: number): number {
    return this.ofReactors(layout.WORKERS + worker * layout.WORKER_LENGTH + counter);
  }

  /** Messages of one reactor thread that a worker has not finished; below 0 where more was forgiven than was lost. */
  underWayFrom(reactor: number, worker: number): number {
    const { doubles, shape } = this;
    const at = layout.reactorAt(shape, reactor) + layout.WORKERS + worker * layout.WORKER_LENGTH;
    const done = doubles[layout.processAt(shape, worker) + layout.DONE + reactor] as number;
    return (doubles[at + layout.DISPATCHED] as number) - (doubles[at + layout.FORGIVEN] as number) - done;
  }

  /** Messages that have been sent to a worker and that it has not finished. */
  underWay(worker: number): number {
    let sum = 0;
    for (let r = 0; r < this.shape.reactors; r++) sum += Math.max(0, this.underWayFrom(r, worker));
    return sum;
  }
}

/** What one client has on its way to one worker. */
export interface Flow<Owner> {
  readonly client: Owner;
  /** Messages, and their bytes, that the worker has not taken as far as is known. */
  inFlight: number;
  inFlightBytes: number;
  /** Messages, and their bytes, since the worker was asked last how many it has taken. */
  sinceAsked: number;
  sinceAskedBytes: number;
}

/** RoleLeases for so many runs at first; a power of two. */
const FIRST_CAPACITY = 64;

/**
 * The messages on their way to one worker, oldest first. They lie in the worker's ring or pipe, where it cannot be seen whose
 * they are; the worker says up to which one it has taken them. Messages of one client in a row are one run.
 */
export class InFlight<Owner> {
  readonly #taken: (flow: Flow<Owner>) => void;
  #flows: (Flow<Owner> | undefined)[] = new Array(FIRST_CAPACITY).fill(undefined);
  #counts = new Int32Array(FIRST_CAPACITY);
  #bytes = new Float64Array(FIRST_CAPACITY);
  /** The place of the oldest run, and of the next one to come. */
  #first = 0;
  #next = 0;
  /** Whose the last run is, where that may go on. */
  #running: Flow<Owner> | undefined;
  /** The numbers of the oldest message and of the next one to come. */
  #oldest = 0;
  #number = 0;

  /** `taken` is called for each run that was taken, once all of them are counted. */
  constructor(taken: (flow: Flow<Owner>) => void) {
    this.#taken = taken;
  }

  /** The number of the message that was sent last, as a packet carries it. */
  get last(): number {
    return (this.#number - 1) | 0;
  }

  /** Messages on their way. */
  get size(): number {
    return this.#number - this.#oldest;
  }

  add(flow: Flow<Owner>, bytes: number): void {
    if (this.#running === flow) {
      const at = (this.#next - 1) & (this.#flows.length - 1);
      this.#counts[at] = (this.#counts[at] as number) + 1;
      this.#bytes[at] = (this.#bytes[at] as number) + bytes;
    } else this.#begin(flow, bytes);
    this.#number++;
    flow.inFlight++;
    flow.inFlightBytes += bytes;
    flow.sinceAsked++;
    flow.sinceAskedBytes += bytes;
  }

  /** The worker will be asked about what there is by now: the last run is over. */
  endRun(): void {
    this.#running = undefined;
  }

  /** The worker has taken all messages up to number `last`, which ended a run. Any other number changes nothing. */
  taken(last: number): void {
    const count = ((last - this.#oldest) | 0) + 1;
    if (count <= 0 || count > this.size) return;
    const mask = this.#flows.length - 1;
    let runs = 0;
    let left = count;
    while (left > 0) left -= this.#counts[(this.#first + runs++) & mask] as number;
    if (left === 0) this.#take(runs, count);
  }

  /** Whatever is still on its way counts no longer: who has it next cannot be told from it. */
  forgive(): void {
    this.#take(this.#next - this.#first, this.size);
  }

  #begin(flow: Flow<Owner>, bytes: number): void {
    if (this.#next - this.#first === this.#flows.length) this.#grow();
    const at = this.#next++ & (this.#flows.length - 1);
    this.#flows[at] = flow;
    this.#counts[at] = 1;
    this.#bytes[at] = bytes;
    this.#running = flow;
  }

  #take(runs: number, messages: number): void {
    const mask = this.#flows.length - 1;
    const before = this.#first;
    for (let i = 0; i < runs; i++) {
      const at = (before + i) & mask;
      const flow = this.#flows[at] as Flow<Owner>;
      flow.inFlight -= this.#counts[at] as number;
      flow.inFlightBytes -= this.#bytes[at] as number;
    }
    // Not before all is counted: what a client does then may send again.
    this.#first = before + runs;
    this.#oldest += messages;
    if (this.#first === this.#next) this.#running = undefined;
    for (let i = 0; i < runs; i++) {
      const at = (before + i) & mask;
      const flow = this.#flows[at] as Flow<Owner>;
      this.#flows[at] = undefined;
      this.#taken(flow);
    }
  }

  #grow(): void {
    const { length } = this.#flows;
    const [flows, counts, bytes] = [this.#flows, this.#counts, this.#bytes];
    this.#flows = new Array(length * 2).fill(undefined);
    this.#counts = new Int32Array(length * 2);
    this.#bytes = new Float64Array(length * 2);
    for (let run = this.#first; run < this.#next; run++) {
      const [from, to] = [run & (length - 1), run & (length * 2 - 1)];
      this.#flows[to] = flows[from];
      this.#counts[to] = counts[from] as number;
      this.#bytes[to] = bytes[from] as number;
    }
  }
}

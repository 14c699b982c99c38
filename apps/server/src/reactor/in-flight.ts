/** What one client has on its way to one worker. */
export interface Flow<Owner> {
  readonly client: Owner;
  /** Messages, and their bytes, that the worker has not taken as far as is known. */
  inFlight: number;
  inFlightBytes: number;
}

/** Places for so many messages at first; a power of two. */
const FIRST_CAPACITY = 64;

/**
 * The messages on their way to one worker, oldest first. They lie in the worker's ring or pipe, where nobody can see whose
 * they are; the worker says up to which one it has taken them.
 */
export class InFlight<Owner> {
  readonly #credited: (flow: Flow<Owner>) => void;
  #flows: (Flow<Owner> | undefined)[] = new Array(FIRST_CAPACITY).fill(undefined);
  #bytes = new Float64Array(FIRST_CAPACITY);
  /** The number of the oldest one; of the next one to come. */
  #first = 0;
  #next = 0;

  /** `credited` is called for each message that was taken, once all of them are counted. */
  constructor(credited: (flow: Flow<Owner>) => void) {
    this.#credited = credited;
  }

  /** The number of the message that was sent last, as a packet carries it. */
  get last(): number {
    return (this.#next - 1) | 0;
  }

  get size(): number {
    return this.#next - this.#first;
  }

  add(flow: Flow<Owner>, bytes: number): void {
    if (this.size === this.#flows.length) this.#grow();
    const at = this.#next++ & (this.#flows.length - 1);
    this.#flows[at] = flow;
    this.#bytes[at] = bytes;
    flow.inFlight++;
    flow.inFlightBytes += bytes;
  }

  /** The worker has taken all messages up to number `last`. What is no number of one under way changes nothing. */
  taken(last: number): void {
    const count = ((last - this.#first) | 0) + 1;
    if (count > 0 && count <= this.size) this.#take(count);
  }

  /** Whatever is still on its way counts no longer: who has it next cannot be told from it. */
  forgive(): void {
    this.#take(this.size);
  }

  #take(count: number): void {
    const mask = this.#flows.length - 1;
    const before = this.#first;
    for (let i = 0; i < count; i++) {
      const at = (before + i) & mask;
      const flow = this.#flows[at] as Flow<Owner>;
      flow.inFlight--;
      flow.inFlightBytes -= this.#bytes[at] as number;
    }
    // Not before all is counted: what a flow does then may send again.
    this.#first = before + count;
    for (let i = 0; i < count; i++) {
      const at = (before + i) & mask;
      const flow = this.#flows[at] as Flow<Owner>;
      this.#flows[at] = undefined;
      this.#credited(flow);
    }
  }

  #grow(): void {
    const { length } = this.#flows;
    const flows: (Flow<Owner> | undefined)[] = new Array(length * 2).fill(undefined);
    const bytes = new Float64Array(length * 2);
    for (let number = this.#first; number < this.#next; number++) {
      flows[number & (length * 2 - 1)] = this.#flows[number & (length - 1)];
      bytes[number & (length * 2 - 1)] = this.#bytes[number & (length - 1)] as number;
    }
    this.#flows = flows;
    this.#bytes = bytes;
  }
}

import { check, EAGAIN, syscalls } from '@millrace/native/syscalls';

/**
 * The word counts its owner's sleeps: odd while it sleeps, even while it is awake. So a writer can tell a sleep for which
 * it has rung from the next one.
 */
const ASLEEP = 1;

/** Bytes of shared memory that a doorbell's word takes: a cache line, so that two doorbells never share one. */
export const DOORBELL_BYTES = 64;

/**
 * Wakes a process that waits for messages in shared memory: an event descriptor, and a word that says whether its
 * owner sleeps, so that an owner at work costs its writers no system call.
 */
export class Doorbell {
  readonly fd: number;
  readonly #word: Int32Array;
  /** Writer: the sleep that it has rung for. */
  #rungFor = 0;
  /** Owner: the number of the sleep that it is in. */
  #sleep = 0;

  /** `fd` is an eventfd that both sides hold; the word lies at `offset` of `memory`. */
  constructor(fd: number, memory: ArrayBuffer, offset: number) {
    this.fd = fd;
    this.#word = new Int32Array(memory, offset, 1);
  }

  /** Wakes the owner if it sleeps and has not been rung by this writer. Call it after publishing what it should find. */
  ring(): void {
    // Pairs with the store in `sleep`: either the owner's second look finds the message, or this load finds it asleep.
    // Only the owner changes the word: a writer that dies here must not keep the others from ringing.
    const word = Atomics.load(this.#word, 0);
    if ((word & ASLEEP) === 0 || word === this.#rungFor) return;
    // A signal is forgotten by an owner that is awake, never in the sleep that it was for: that ends by it.
    this.poke();
    this.#rungFor = word;
  }

  /** Makes the owner look, whatever its word says. */
  poke(): void {
    const result = syscalls.eventfdSignal(this.fd);
    // A full count, which only a process that misuses the descriptor writes, wakes the owner as well.
    if (result !== -EAGAIN) check(result, 'write', 'event descriptor of a doorbell');
  }

  /** Owner: says that it polls. */
  wake(): void {
    const word = Atomics.load(this.#word, 0);
    if ((word & ASLEEP) !== 0) Atomics.store(this.#word, 0, (word + 1) | 0);
  }

  /** Owner: forgets rings so far, when it is going to look anyway. */
  quiet(): void {
    syscalls.eventfdDrain(this.fd);
  }

  /** Owner: asks to be rung; it has called `quiet` if its loop needs that. It polls once more afterwards, for what came before the store. */
  sleep(): void {
    // The next odd number: a predecessor may have died asleep.
    this.#sleep = (Atomics.load(this.#word, 0) + 1) | ASLEEP;
    Atomics.store(this.#word, 0, this.#sleep);
  }

  /** Owner, while it sleeps: whether another process has written over the word, so that no ring may come. */
  get isOverwritten(): boolean {
    return Atomics.load(this.#word, 0) !== this.#sleep;
  }
}

import { check, syscalls } from '@millrace/native';

const AWAKE = 0;
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

  /** `fd` is an eventfd that both sides hold; the word lies at `offset` of `memory`. */
  constructor(fd: number, memory: ArrayBuffer, offset: number) {
    this.fd = fd;
    this.#word = new Int32Array(memory, offset, 1);
  }

  /** Wakes the owner if it sleeps. Call it after publishing what it should find. */
  ring(): void {
    // Pairs with the store in `sleep`: either the owner's second look finds the message, or this load finds ASLEEP.
    // Only the owner changes the word: a writer that dies here must not keep the others from ringing.
    if (Atomics.load(this.#word, 0) === ASLEEP) this.poke();
  }

  /** Makes the owner look, whatever its word says. */
  poke(): void {
    check(syscalls.eventfdSignal(this.fd), 'write', 'event descriptor of a doorbell');
  }

  /** Owner: says that it looks by itself. */
  wake(): void {
    Atomics.store(this.#word, 0, AWAKE);
  }

  /** Owner: forgets rings so far, when it is going to look anyway. */
  quiet(): void {
    syscalls.eventfdDrain(this.fd);
  }

  /** Owner: asks to be rung. It looks once more afterwards, for what came before the store. */
  sleep(): void {
    this.quiet();
    Atomics.store(this.#word, 0, ASLEEP);
  }
}

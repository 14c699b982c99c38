import type { Poller, PollRegistration } from '@millrace/channel';
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

  /** Owner: asks to be rung. It looks once more afterwards, for what came before the store. */
  sleep(): void {
    syscalls.eventfdDrain(this.fd);
    Atomics.store(this.#word, 0, ASLEEP);
  }
}

/** What hangs on a doorbell: looks for work and does a batch of it. */
export interface DoorbellClient {
  /** Does a batch. */
  service(): void;
  /** Whether there is (more) work. */
  readonly hasWork: boolean;
}

/**
 * The owner's side of a doorbell in a loop: serves every client when it rings, and sleeps only when none has work.
 *
 * Notes. One pass serves each client one batch; when there is more, the event descriptor is left readable, so that the
 * loop's other work has its turn in between.
 */
export class DoorbellListener {
  readonly doorbell: Doorbell;
  readonly #clients: DoorbellClient[] = [];
  readonly #registration: PollRegistration;

  constructor(doorbell: Doorbell, poller: Poller) {
    this.doorbell = doorbell;
    this.#registration = poller.add(doorbell.fd, () => this.#rung());
    this.#registration.update({ read: true, write: false });
    // A predecessor may have died between any two steps: look at everything once.
    doorbell.wake();
    doorbell.poke();
  }

  add(client: DoorbellClient): void {
    this.#clients.push(client);
    this.doorbell.poke();
  }

  remove(client: DoorbellClient): void {
    const index = this.#clients.indexOf(client);
    if (index >= 0) this.#clients.splice(index, 1);
  }

  ref(): void {
    this.#registration.ref();
  }

  unref(): void {
    this.#registration.unref();
  }

  /** Stops listening. The event descriptor stays open; whoever made it closes it. */
  close(): void {
    this.#registration.close();
  }

  #rung(): void {
    this.doorbell.wake();
    for (let i = 0; i < this.#clients.length; i++) (this.#clients[i] as DoorbellClient).service();
    if (this.#anyWork()) return;
    this.doorbell.sleep();
    if (!this.#anyWork()) return;
    this.doorbell.wake();
    this.doorbell.poke();
  }

  #anyWork(): boolean {
    for (let i = 0; i < this.#clients.length; i++)
      if ((this.#clients[i] as DoorbellClient).hasWork) return true;
    return false;
  }
}

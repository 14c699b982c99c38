import { availableParallelism } from 'node:os';
import {
  checkOptions,
  optionNames,
  type Poller,
  type PollRegistration,
  type Repetition,
} from '@millrace/channel';
import type { Doorbell } from './doorbell.js';
import { SpinBudget } from './spin-budget.js';

/** What hangs on a doorbell: polls for work and does a batch of it. */
export interface DoorbellClient {
  /** Does a batch. */
  service(): void;
  /** Whether there is (more) work. */
  readonly hasWork: boolean;
  /** Tells others of what the batch has brought for them; called before the owner goes on looking. Default: nothing. */
  flush?(): void;
  /** Whether the batch goes on in promises, whose turn comes once the loop has it. Default false. */
  readonly awaited?: boolean;
}

export interface DoorbellListenerOptions {
  /**
   * Most microseconds to look for work again and again before sleeping. While looking pays, a message is found within
   * nanoseconds instead of the kernel's microseconds, at the price of a busy processor; while it does not, the time shrinks to
   * nothing. The thread's other work waits for as long. Default 0: never; so it is where there is one processor only.
   */
  readonly spin?: number | undefined;
  /** Told that another process has written over the word of the doorbell, at most once a minute. */
  readonly onOverwritten?: (() => void) | undefined;
}

const LISTENER_OPTIONS = optionNames<DoorbellListenerOptions>({ spin: true, onOverwritten: true });

/** Polls between two readings of the clock; and polls beside the loop after which it is spared the bell. */
const POLLS = 16;
/** Polls that have taken so many microseconds were interrupted, for another thread to have the processor. */
const PREEMPTED = 100;
/** Microseconds after which the loop has its turn, however much work is found by looking. */
const SLICE = 100;

/**
 * Milliseconds between polls that no ring has asked for. The word lies in memory that other processes map, and the event
 * descriptor is theirs as well: one that writes over the first or reads the second takes rings from the owner, and those
 * cost no more than this time.
 */
const UNRUNG_MS = 1_000;
/** Such polls between two that tell of a word that was written over. */
const TELL_EVERY = 60;

const microseconds = () => performance.now() * 1_000;

/**
 * The owner's side of a doorbell in a loop: serves every client when it rings, and sleeps only when none has work.
 *
 * Notes. One pass serves each client one batch; when there is more, the event descriptor is left readable or is written to,
 * so that the loop's other work has its turn in between. A loop that tells edges spares the owner the reading of the
 * descriptor, a system call before each answer.
 */
export class DoorbellListener {
  readonly doorbell: Doorbell;
  readonly #clients: DoorbellClient[] = [];
  readonly #poller: Poller;
  readonly #registration: PollRegistration;
  /** Whether the loop tells each ring by itself, so that nobody reads the event descriptor. */
  readonly #byEdges: boolean;
  readonly #spin: SpinBudget | undefined;
  readonly #onOverwritten: (() => void) | undefined;
  readonly #unrung: Repetition;
  readonly #pollCallback = () => this.#poll();
  #pollScheduled = false;
  #sleptAt = Number.NEGATIVE_INFINITY;
  /** Polls beside the loop since it slept; -1: it does not sleep. */
  #polls = -1;
  /** Polls without a ring until the next may tell of a word that was written over. */
  #untold = 0;
  #closed = false;

  constructor(doorbell: Doorbell, poller: Poller, options: DoorbellListenerOptions = {}) {
    checkOptions(options, LISTENER_OPTIONS, 'A DoorbellListener');
    const { spin = 0, onOverwritten } = options;
    this.doorbell = doorbell;
    this.#poller = poller;
    this.#onOverwritten = onOverwritten;
    this.#spin = spin > 0 && availableParallelism() > 1 ? new SpinBudget(spin) : undefined;
    const rung = () => this.#rung();
    this.#byEdges = poller.addEdge !== undefined;
    this.#registration = poller.addEdge?.(doorbell.fd, rung) ?? poller.add(doorbell.fd, rung);
    this.#registration.update({ read: true, write: false });
    // A predecessor may have died between any two steps: look at everything once.
    doorbell.wake();
    doorbell.poke();
    this.#unrung = poller.every(UNRUNG_MS, () => this.#lookUnrung());
  }

  add(client: DoorbellClient): void {
    this.#clients.push(client);
    this.doorbell.poke();
  }

  remove(client: DoorbellClient): void {
    const index = this.#clients.indexOf(client);
    if (index >= 0) this.#clients.splice(index, 1);
  }

  /**
   * A client has polled without the loop, in vain. One that does so again and again finds what comes by itself: from
   * then on writers need not ring. The poke brings the loop to its next look, and to sleep, whenever it has its turn.
   */
  polledInVain(): void {
    if (this.#polls < 0 || ++this.#polls < POLLS) return;
    this.#polls = -1;
    this.doorbell.wake();
    this.doorbell.poke();
  }

  ref(): void {
    this.#registration.ref();
  }

  unref(): void {
    this.#registration.unref();
  }

  /** Stops listening. The event descriptor stays open; its maker closes it. */
  close(): void {
    this.#closed = true;
    this.#unrung.close();
    this.#registration.close();
  }

  #rung(): void {
    this.#polls = -1;
    if (this.#spin !== undefined && this.#sleptAt > 0) {
      this.#spin.woken(microseconds() - this.#sleptAt);
      this.#sleptAt = Number.NEGATIVE_INFINITY;
    }
    // In vain: a loop that tells levels all the same would tell it again and again.
    if (this.#byEdges && !this.#anyWork()) this.doorbell.quiet();
    this.doorbell.wake();
    this.#serve();
    if (this.#closed) return;
    if (this.#anyWork()) {
      if (this.#byEdges) this.doorbell.poke();
      return;
    }
    if (this.#spin === undefined || this.#spin.budget === 0) return this.#sleep();
    this.#quiet();
    this.#pollSoon();
  }

  /** Forgets rings so far. */
  #quiet(): void {
    if (!this.#byEdges) this.doorbell.quiet();
  }

  /** In a callback of its own: what the last one has settled or scheduled is done before. */
  #pollSoon(): void {
    if (this.#pollScheduled) return;
    this.#pollScheduled = true;
    this.#poller.defer(this.#pollCallback);
  }

  /** Polls for work until there has been none for as long as is worth it. The word says AWAKE all the while. */
  #poll(): void {
    this.#pollScheduled = false;
    const spin = this.#spin;
    if (this.#closed || spin === undefined) return;
    const started = microseconds();
    let now = started;
    let until = started + spin.budget;
    while (now < until) {
      const found = this.#workWithin(POLLS);
      const before = now;
      now = microseconds();
      const preempted = now - before > PREEMPTED;
      if (preempted) spin.preempted();
      else if (found) spin.found();
      if (found) {
        const awaited = this.#serveBesideTheLoop();
        if (this.#closed) return;
        if (awaited || preempted || now - started > SLICE) return this.#pollSoon();
        now = microseconds();
        until = now + spin.budget;
      } else if (preempted) return this.#sleep();
    }
    spin.missed();
    this.#sleep();
  }

  #workWithin(polls: number): boolean {
    while (polls-- > 0) if (this.#anyWork()) return true;
    return false;
  }

  #sleep(): void {
    this.#quiet();
    this.doorbell.sleep();
    if (this.#spin !== undefined) this.#sleptAt = microseconds();
    this.#polls = 0;
    if (!this.#anyWork()) return;
    this.#polls = -1;
    this.doorbell.wake();
    this.doorbell.poke();
  }

  /** What no ring has announced is found all the same, some time later. */
  #lookUnrung(): void {
    if (this.#closed) return;
    if (this.#untold > 0) this.#untold--;
    const asleep = this.#polls >= 0;
    const overwritten = asleep && this.doorbell.isOverwritten;
    if (asleep && !overwritten && !this.#anyWork()) return;
    // The loop's next turn serves, and stores the word anew. One that seems to be awake may have lost the ring that kept it so.
    // A count that another process has filled up takes no signal.
    this.doorbell.quiet();
    this.doorbell.poke();
    if (!overwritten || this.#untold > 0) return;
    this.#untold = TELL_EVERY;
    this.#onOverwritten?.();
  }

  /** A batch for each; true when one goes on in promises. */
  #serve(): boolean {
    let awaited = false;
    for (let i = 0; i < this.#clients.length; i++) {
      const client = this.#clients[i] as DoorbellClient;
      client.service();
      if (this.#spin === undefined) continue;
      client.flush?.();
      awaited ||= client.awaited === true;
    }
    return awaited;
  }

  /** As `#serve`. No ring comes while this side polls: when a client throws, the loop must come back to it by itself. */
  #serveBesideTheLoop(): boolean {
    try {
      return this.#serve();
    } catch (error) {
      if (!this.#closed) this.doorbell.poke();
      throw error;
    }
  }

  #anyWork(): boolean {
    for (let i = 0; i < this.#clients.length; i++)
      if ((this.#clients[i] as DoorbellClient).hasWork) return true;
    return false;
  }
}

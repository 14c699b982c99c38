import { NodePoller, type PollRegistration } from '@millrace/native';
import { hasHalted } from '@millrace/native/internal';
import { check, EAGAIN, syscalls } from '@millrace/native/syscalls';

/** Threads end within a fraction of a millisecond where processors are free: so often it is waited for that long, in milliseconds, */
const AT_ONCE = 4;
const AT_ONCE_MS = 0.2;
/** and from then on with a timer of so many, */
const AGAIN_MS = 1;
/** so often in all: a process that executes another program ends all of its threads but one. */
const MOST_LOOKS = 200;
const NOTHING = new Int32Array(new SharedArrayBuffer(4));

const poller = new NodePoller();

/**
 * Hears that a process has halted: that none of its threads runs its program any more. The kernel tells its parent of the end when it
 * has given the memory back, milliseconds later.
 *
 * The process is handed one end of a pipe, which a thread of its own holds in a table of descriptors of its own
 * (`holdInThread`). The kernel closes that when the thread ends, before the memory goes. Other threads may run on for a moment then, each until it
 * has come to its own signal: /proc says when the last one has.
 */
export class HaltWatch {
  /** The end for the process. */
  readonly descriptor: number;
  readonly #fd: number;
  readonly #pid: number;
  readonly #onHalt: () => void;
  readonly #registration: PollRegistration;
  #handed = false;
  #closed = false;
  #looks = 0;
  #again: NodeJS.Timeout | undefined;

  /** Throws `SystemCallError` where there is no pipe to be had. */
  constructor(pid: number, onHalt: () => void) {
    const ends = new Int32Array(2);
    check(syscalls.pipe(new Uint8Array(ends.buffer)), 'pipe2', 'to hear of the halt of a process');
    [this.#fd, this.descriptor] = ends as unknown as [number, number];
    syscalls.setNonBlocking(this.#fd, 1);
    this.#pid = pid;
    this.#onHalt = onHalt;
    this.#registration = poller.add(this.#fd, () => this.#ended());
    this.#registration.unref();
    this.#registration.update({ read: true, write: false });
  }

  /** The process has its end: this one gives it up. */
  handedOver(): void {
    if (!this.#handed) syscalls.close(this.descriptor);
    this.#handed = true;
  }

  /** The process has ended, or nobody asks any more; idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#again);
    this.#registration.close();
    syscalls.close(this.#fd);
    this.handedOver();
  }

  #ended(): void {
    if (syscalls.read(this.#fd, new Uint8Array(1), 0, 1) === -EAGAIN) return;
    this.#registration.update({ read: false, write: false });
    this.#look();
  }

  #look(): void {
    for (; this.#looks < MOST_LOOKS; this.#looks++) {
      if (hasHalted(this.#pid)) return this.#onHalt();
      if (this.#looks >= AT_ONCE) break;
      // A timer takes more than a millisecond, which clients would wait for.
      Atomics.wait(NOTHING, 0, 0, AT_ONCE_MS);
    }
    if (++this.#looks < MOST_LOOKS) this.#again = setTimeout(() => this.#look(), AGAIN_MS);
  }
}

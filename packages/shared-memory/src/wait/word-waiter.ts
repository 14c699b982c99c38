import { Worker } from 'node:worker_threads';
import { createMemory, MappedMemory } from '@millrace/native';
import { syscalls } from '@millrace/native/syscalls';
import { MAX_WAITS, WAIT_THREAD } from '../constants.js';
import type { WaitMessage } from './wait-thread.js';

/** Between two polls of a word, where no thread waits for it, in milliseconds: at first, and at most after doublings. */
const FIRST_POLL_MS = 1;
const MAX_POLL_MS = 10;

/** Waits for one word; ends the waiting when it is called. */
export type CancelWait = () => void;

/**
 * Calls `callback` once, in a later turn of the loop, when the word has been woken or is not `expected` any more; it
 * may come for nothing. Blocks neither the loop nor a thread of its pool, and keeps the loop alive.
 *
 * Notes. One thread for each thread that uses this sleeps in the kernel on its behalf; it is started by the first
 * wait, and keeps nothing alive by itself. Until it runs, where it cannot (before Linux 5.16, or where a sandbox
 * forbids it), and for more than 127 words at once, the word is looked at every 1 to 10 ms.
 */
export function onWordChange(
  words: Int32Array,
  index: number,
  expected: number,
  callback: () => void,
): CancelWait {
  return WaitThread.get().wait(words, index, expected, callback) ?? poll(words, index, expected, callback);
}

/** 'thread' when a thread waits in the kernel, 'polling' while it starts and where there can be none. */
export function waitingMode(): 'thread' | 'polling' {
  return WaitThread.get().ready ? 'thread' : 'polling';
}

function poll(words: Int32Array, index: number, expected: number, callback: () => void): CancelWait {
  let delay = FIRST_POLL_MS;
  let cancelWait: CancelWait | undefined;
  const look = () => {
    if (words.length === 0 || Atomics.load(words, index) !== expected) return callback();
    cancelWait = WaitThread.get().wait(words, index, expected, callback);
    if (cancelWait !== undefined) return;
    delay = Math.min(delay * 2, MAX_POLL_MS);
    timer = setTimeout(look, delay);
  };
  let timer = setTimeout(look, delay);
  return () => {
    clearTimeout(timer);
    cancelWait?.();
  };
}

/** This thread's side of wait-thread.ts. */
class WaitThread {
  static #instance: WaitThread | undefined;

  static get(): WaitThread {
    WaitThread.#instance ??= new WaitThread();
    return WaitThread.#instance;
  }

  /** Whether the thread runs and can wait. */
  ready = false;
  readonly #control: Int32Array;
  readonly #worker: Worker;
  readonly #waits = new Map<number, () => void>();
  #nextId = 1;
  /** Keeps the mapping of the control word. */
  readonly #memory: MappedMemory;

  private constructor() {
    const bytes = 4096;
    const fd = createMemory('millrace-wait', bytes);
    this.#memory = new MappedMemory(fd, bytes);
    syscalls.close(fd);
    this.#control = new Int32Array(this.#memory.buffer, 0, 1);
    this.#worker = new Worker(WAIT_THREAD, {
      workerData: syscalls.addressOf(this.#control, 0),
      execArgv: [],
      name: 'millrace-wait',
    });
    this.#worker.on('message', (message: readonly number[]) => this.#heard(message));
    this.#worker.on('error', (error) => this.#lost(error));
    this.#worker.on('exit', () => this.#lost());
    // After the listeners: adding one keeps the loop alive.
    this.#worker.unref();
    // A blocked thread would keep the process for the rest of its slice.
    process.once('exit', () => this.#post([0, 0]));
  }

  /** Undefined when it cannot wait for more. */
  wait(words: Int32Array, index: number, expected: number, callback: () => void): CancelWait | undefined {
    if (!this.ready || this.#waits.size >= MAX_WAITS) return undefined;
    const address = syscalls.addressOf(words, index * Int32Array.BYTES_PER_ELEMENT);
    const id = this.#nextId++;
    if (this.#waits.size === 0) this.#worker.ref();
    this.#waits.set(id, callback);
    this.#post([0, id, address, expected >>> 0]);
    return () => {
      if (this.#waits.delete(id)) this.#post([0, id]);
      if (this.#waits.size === 0) this.#worker.unref();
    };
  }

  /** Posts, then changes the control word and wakes the thread, which then finds the message. */
  #post([, ...rest]: WaitMessage): void {
    const control = ((this.#control[0] as number) + 1) | 0;
    this.#worker.postMessage([control, ...rest]);
    Atomics.store(this.#control, 0, control);
    syscalls.futexWake(this.#control, 0, 1);
  }

  #heard([id]: readonly number[]): void {
    if (id === undefined) {
      this.ready = true;
      return;
    }
    if (id < 0) return this.#lost();
    const callback = this.#waits.get(id);
    this.#waits.delete(id);
    if (this.#waits.size === 0) this.#worker.unref();
    callback?.();
  }

  /** There is no thread (any more): all waits check again, and poll from then on. */
  #lost(error?: Error): void {
    this.ready = false;
    if (error !== undefined) process.emitWarning(`Waiting by polling: ${error.message}`, 'MillraceWarning');
    const callbacks = [...this.#waits.values()];
    this.#waits.clear();
    for (const callback of callbacks) callback();
  }
}

import { type Poller, READABLE } from '@millrace/channel';
import { EAGAIN, syscalls } from '@millrace/native/syscalls';
import type { RingMemory } from '../../../src/ring.js';
import type { Stepper } from './explorer.js';
import { BELLS } from './machine.js';

/** What stands for memory in code that thinks that it has typed arrays: by the array, where its first word lies. */
const places = new WeakMap<object, number>();

/** A ring of fake memory, and how many words of messages have been stored as words. */
export interface FakeRing extends RingMemory {
  readonly copied: { words: number };
}

/** A ring in the machine's memory from the word `at` on: loads and stores go through the stepper. */
export function fakeRing(stepper: Stepper, at: number, headerWords: number, capacity: number): FakeRing {
  const copied = { words: 0 };
  const wordsFrom = (first: number): Fake => ({
    get: (index) => stepper.plain((machine, agent) => machine.plainLoad(agent, 4 * (first + index), true)),
    set: (index, value) => {
      if (first > at) copied.words++;
      stepper.plain((machine, agent) => {
        machine.plainStore(agent, 4 * (first + index), value, true);
        return 0;
      });
    },
    length: headerWords + capacity / 4 - (first - at),
    subarray: (begin: number) => fakeArray(wordsFrom(first + begin)),
  });
  const words = fakeArray(wordsFrom(at));
  places.set(words, at);
  const dataAt = 4 * (at + headerWords);
  const byteAt = (index: number) =>
    stepper.plain((machine, agent) => machine.plainLoad(agent, dataAt + index, false));
  const data = fakeArray({
    get: byteAt,
    set: (index, value) => {
      stepper.plain((machine, agent) => {
        machine.plainStore(agent, dataAt + index, value, false);
        return 0;
      });
    },
    length: capacity,
    copy: (target: Uint8Array, to: number, start: number, end: number) => {
      for (let i = start; i < end; i++) target[to + i - start] = byteAt(i);
      return end - start;
    },
  });
  return { words: words as Int32Array, data: data as unknown as Buffer, capacity, copied };
}

interface Fake {
  get(index: number): number;
  set(index: number, value: number): void;
  readonly length: number;
  readonly copy?: (target: Uint8Array, to: number, start: number, end: number) => number;
  readonly subarray?: (begin: number) => object;
}

function fakeArray(fake: Fake): object {
  return new Proxy(fake, {
    get: (_target, name) => {
      if (typeof name === 'string' && /^\d+$/.test(name)) return fake.get(Number(name));
      if (name === 'length' || name === 'copy' || name === 'subarray') return fake[name];
      throw new Error(`The model does not know ${String(name)}.`);
    },
    set: (_target, name, value: number) => {
      fake.set(Number(String(name)), value);
      return true;
    },
  });
}

/** The words of the doorbells, one for each agent; the machine has them from the word `at` on. */
export function fakeBellWords(at: number): ArrayBuffer {
  const words = new ArrayBuffer(BELLS.length * 4);
  places.set(words, at);
  return words;
}

/** A poller whose one descriptor becomes readable when the stepper says so. */
export class FakePoller implements Poller {
  #callback: ((ready: number) => void) | undefined;

  add(_fd: number, callback: (ready: number) => void) {
    this.#callback = callback;
    return { update() {}, ref() {}, unref() {}, close() {} };
  }

  defer(): never {
    throw new Error('The model does not spin.');
  }

  /** In the model every ring arrives: none of it comes of looks by the clock. */
  every() {
    return { close() {} };
  }

  /** Waits until the agent's bell has been rung, and lets its owner know. */
  turn(stepper: Stepper): void {
    stepper.step(() => 0, stepper.agent);
    this.tell();
  }

  protected tell(): void {
    this.#callback?.(READABLE);
  }
}

/** One whose loop tells edges: a ring is forgotten with the telling, and nobody reads it. */
export class FakeEdgePoller extends FakePoller {
  addEdge(fd: number, callback: () => void) {
    return this.add(fd, callback);
  }

  override turn(stepper: Stepper): void {
    waitForBell(stepper);
    this.tell();
  }
}

/** Rings `agent`'s bell, and waits for one's own: a doorbell that is always rung. */
export function ringBell(stepper: Stepper, agent: number): void {
  stepper.step((machine) => {
    machine.bells[agent] = 1;
    return 0;
  });
}

export function waitForBell(stepper: Stepper): void {
  stepper.step((machine, agent) => {
    machine.bells[agent] = 0;
    return 0;
  }, stepper.agent);
}

/** Runs `body` with `Atomics` and the calls on event descriptors going through the stepper. */
export function withFakes(stepper: Stepper, body: () => void): void {
  const real = globalThis.Atomics;
  const { eventfdSignal, eventfdDrain } = syscalls;
  const place = (array: Int32Array, index: number): number | undefined => {
    const own = places.get(array);
    if (own !== undefined) return own + index;
    const shared = places.get(array.buffer);
    return shared === undefined ? undefined : shared + array.byteOffset / 4 + index;
  };
  const fake = {
    load(array: Int32Array, index: number) {
      const word = place(array, index);
      if (word === undefined) return real.load(array, index);
      return stepper.step((machine, agent) => machine.atomicLoad(agent, word));
    },
    store(array: Int32Array, index: number, value: number) {
      const word = place(array, index);
      if (word === undefined) return real.store(array, index, value);
      return stepper.step((machine, agent) => machine.atomicStore(agent, word, value));
    },
    exchange(array: Int32Array, index: number, value: number) {
      const word = place(array, index);
      if (word === undefined) return real.exchange(array, index, value);
      return stepper.step((machine, agent) => machine.atomicExchange(agent, word, value));
    },
  };
  const bellOf = (fd: number) => BELLS.indexOf(fd as (typeof BELLS)[number]);
  globalThis.Atomics = fake as unknown as typeof Atomics;
  syscalls.eventfdSignal = (fd) =>
    stepper.step((machine) => {
      (machine.bells[bellOf(fd)] as number)++;
      return 0;
    });
  syscalls.eventfdDrain = (fd) =>
    stepper.step((machine) => {
      const rung = machine.bells[bellOf(fd)] as number;
      machine.bells[bellOf(fd)] = 0;
      return rung > 0 ? 0 : -EAGAIN;
    });
  try {
    body();
  } finally {
    globalThis.Atomics = real;
    syscalls.eventfdSignal = eventfdSignal;
    syscalls.eventfdDrain = eventfdDrain;
  }
}

/**
 * What a process that has gone wrong, by a fault in an addon for instance, writes into the rings and pipes that it shares. The layouts
 * are those of ring/layout.ts of shared-memory, datagram-layout.ts of pipe-ipc and task-layout.ts of task-pool.
 */

/** Where the words of a ring lie. */
export const RING_WORDS = { capacity: 8 / 4, tail: 64 / 4, taken: 128 / 4, head: 132 / 4, data: 256 / 4 };

/** The same words for the same seed, also where seeds are small and close to each other. */
export function randomWords(seed: number): () => number {
  return xorshift32((seed * 2_654_435_761) | 1);
}

/** Numbers from 0 up to the one that is given, the same for the same seed. */
export function randomNumbers(seed: number): (below: number) => number {
  const next = xorshift32(seed);
  return (below) => (next() >>> 0) % below;
}

function xorshift32(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state;
  };
}

/** The two rings with which a memory begins: to the process that it is named by, and from it. */
export function firstRings(memory: Int32Array): [down: Int32Array, up: Int32Array] {
  const length = RING_WORDS.data + (memory[RING_WORDS.capacity] as number) / 4;
  return [memory.subarray(0, length), memory.subarray(length, 2 * length)];
}

/** Publishes a record with these bytes, of that length and kind. */
export function publish(ring: Int32Array, length: number, kind: number, bytes: Uint8Array): void {
  const { data, tail } = RING_WORDS;
  const capacity = (ring.length - data) * 4;
  const position = Atomics.load(ring, tail);
  const at = data + ((position & (capacity - 1)) >> 2);
  ring[at] = length;
  ring[at + 1] = kind;
  new Uint8Array(ring.buffer, ring.byteOffset + (at + 2) * 4, bytes.length).set(bytes);
  Atomics.store(ring, tail, (position + 8 + bytes.length + 7) & ~7);
}

/** A datagram of a pipe with these bytes as its one message. */
export function datagramOf(bytes: Uint8Array): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32LE(bytes.length, 0);
  head.writeUInt32LE(1, 4);
  return Buffer.concat([head, bytes]);
}

/** A datagram of a pipe that is none. */
export function randomDatagram(random: () => number): Buffer {
  return Buffer.from(Int32Array.from({ length: 64 }, random).buffer);
}

/** The kinds of task messages that go to a task worker, and that come from it. */
export const TASK = 1;
export const ANSWER = 16;

/** Task messages that say nothing: short, of no kind, about no claim, about a claim on another worker's tasks, of a name that is not there. */
const NONSENSE: Readonly<Record<string, (kind: number) => Buffer>> = {
  short: () => Buffer.from([16, 0, 0, 0]),
  kind: () => taskHead(99, 0),
  claim: (kind) => taskHead(kind, 0x7fff_fff0),
  negative: (kind) => taskHead(kind, -7),
  others: (kind) => taskHead(kind, 85),
  name: (kind) => taskHead(kind, 0, 60_000),
};

export const taskNonsense = (name: string, kind: number): Buffer | undefined => NONSENSE[name]?.(kind);

function taskHead(kind: number, slot: number, nameBytes = 0): Buffer {
  const head = Buffer.alloc(24);
  head[0] = kind;
  head.writeUInt16LE(nameBytes, 2);
  head.writeInt32LE(slot, 12);
  return head;
}

type Scribble = (rings: readonly [down: Int32Array, up: Int32Array], random: () => number) => void;

const SCRIBBLES: Readonly<Record<string, Scribble>> = {
  memory: (rings, random) => {
    for (const ring of rings) {
      for (let i = 0; i < 20_000; i++) ring[(random() >>> 0) % ring.length] = random();
      ring[RING_WORDS.tail] = random();
    }
  },
  heads: (rings, random) => {
    const { tail, taken, head } = RING_WORDS;
    for (const ring of rings) for (const word of [tail, taken, head]) ring[word] = random();
  },
  /** Rings that are none: a replacement cannot open them. */
  magic: (rings, random) => {
    for (const ring of rings) {
      ring.fill(random() | 1, 0, 3);
      ring[RING_WORDS.tail] = random();
    }
  },
  down: ([down], random) => {
    down[RING_WORDS.tail] = random();
  },
  up: ([, up], random) => {
    up[RING_WORDS.tail] = random();
  },
  length: ([, up], random) => publish(up, random(), 1, Buffer.alloc(16)),
};

/**
 * Writes over the two rings of a task worker: `memory`, `heads`, `magic`, `down`, `up`, `length`, or a message that says nothing,
 * `task-NONSENSE` to the task worker and `answer-NONSENSE` from it. False: there is no such kind.
 */
export function scribbleTaskRings(kind: string, ...[rings, random]: Parameters<Scribble>): boolean {
  const [to, name = ''] = kind.split('-');
  const message = taskNonsense(name, to === 'task' ? TASK : ANSWER);
  const scribble: Scribble | undefined =
    message === undefined
      ? SCRIBBLES[kind]
      : ([down, up]) => publish(to === 'task' ? down : up, message.length, 1, message);
  scribble?.(rings, random);
  return scribble !== undefined;
}

import { CONTINUE, Frame } from '@millrace/channel';
import { expect, test } from 'vitest';
import { Doorbell, DoorbellListener, RingTransport } from '../../src/internal.js';
import { HEAD_WORD, HEADER_BYTES, recordBytes, TAIL_WORD, TAKEN_WORD } from '../../src/ring/layout.js';
import { openRing, RingReader, RingWriter, ringBytes } from '../../src/ring.js';
import { explore, type Program, type Result, Stepper } from './model/explorer.js';
import {
  FakeEdgePoller,
  FakePoller,
  fakeBellWords,
  fakeRing,
  ringBell,
  waitForBell,
  withFakes,
} from './model/fakes.js';
import { BELLS, Machine, Race } from './model/machine.js';

/** The smallest ring that takes large messages in pieces: of 16 bytes. */
const CAPACITY = 128;
const RING_WORDS = (HEADER_BYTES + CAPACITY) / 4;
const MOST_MESSAGE = 1_000;

/** Bytes from the beginning of one message to that of the next in the memory that they are sent from; and of a head. */
const PLACE = 48;
const HEAD = 2;

interface Case {
  /** Lengths of the messages. */
  readonly messages: readonly number[];
  /** Where in the data the first record begins. */
  readonly start?: number;
  readonly deaths?: number;
  /** How many of them lie in the ring before anything begins. Default none. */
  readonly there?: number;
  /** How many of those a dead reader had taken, and not yet freed. Default none. */
  readonly taken?: number;
}

/** A ring in a machine's memory, a writer and a reader of it, and what must hold when nothing moves any more. */
class Model {
  readonly machine = new Machine(4 * (RING_WORDS + BELLS.length));
  readonly stepper = new Stepper(this.machine);
  readonly messages: readonly number[];
  readonly ring;
  readonly #there: number;
  readonly #taken: string;
  readonly #words = new Int32Array(this.machine.memory.buffer);
  readonly #bodies = new Uint8Array(8 * PLACE);
  readonly #heads = new Uint8Array(HEAD);
  /** Writer: what the last life had begun, and what is accepted. */
  begun = -1;
  seen: number[] = [];
  abandoned = 0;

  constructor({ messages, start = 0, there = 0, taken = 0 }: Case) {
    this.messages = messages;
    this.#there = there;
    this.begun = there - 1;
    for (const word of [TAIL_WORD, TAKEN_WORD, HEAD_WORD]) this.#words[word] = start;
    const { buffer } = this.machine.memory;
    const data = Buffer.from(buffer, HEADER_BYTES, CAPACITY);
    const before = new RingWriter({ words: this.#words, data, capacity: CAPACITY });
    for (let number = 0; number < there; number++) before.tryWrite(this.frame(number));
    const takenBytes = messages.slice(0, taken).reduce((sum, length) => sum + recordBytes(length), 0);
    this.#words[TAKEN_WORD] = start + takenBytes;
    this.#taken = JSON.stringify([Array.from({ length: taken }, (_, number) => number), 0]);
    this.ring = fakeRing(this.stepper, 0, HEADER_BYTES / 4, CAPACITY);
  }

  /** As codecs make it: in a memory that all messages share, at the first byte of a word or another, after a head or not. */
  frame(number: number): Frame {
    const frame = new Frame();
    const start = number * PLACE + (number % 4);
    const end = start + (this.messages[number] as number);
    const head = number % 3 === 1 ? HEAD : 0;
    this.#bodies.fill(number + 1, start, end);
    frame.setBody(this.#bodies, start + head, end);
    frame.head = this.#heads.fill(number + 1);
    frame.headLength = head;
    return frame;
  }

  readonly visit = (memory: Buffer, from: number, to: number) => {
    const number = (memory[from] as number) - 1;
    for (let i = from; i < to; i++) if (memory[i] !== number + 1) throw new Error(`${number} is broken`);
    if (to - from !== this.messages[number]) throw new Error(`${number} has ${to - from} bytes`);
    this.seen.push(number);
    return CONTINUE;
  };

  explore(write: () => void, read: () => void, deaths: number): Result {
    const writer: Program = {
      live: write,
      save: () => String(this.begun),
      restore: (saved = String(this.#there - 1)) => {
        this.begun = Number(saved);
      },
    };
    const reader: Program = {
      live: read,
      save: () => JSON.stringify([this.seen, this.abandoned]),
      restore: (saved = this.#taken) => {
        [this.seen, this.abandoned] = JSON.parse(saved) as [number[], number];
      },
    };
    let result: Result | undefined;
    withFakes(this.stepper, () => {
      const atEnd = (finished: readonly boolean[], died: readonly number[]) =>
        this.#judge(finished[0] === true, died);
      result = explore({ machine: this.machine, programs: [writer, reader], deaths, atEnd }, this.stepper);
    });
    return result as Result;
  }

  #judge(writerFinished: boolean, [writerDeaths = 0, readerDeaths = 0]: readonly number[]): void {
    const state = `seen ${this.seen}, begun ${this.begun}, deaths ${writerDeaths} ${readerDeaths}`;
    if (!writerFinished) throw new Error(`The writer waits for ever: ${state}`);
    if (this.#words[TAIL_WORD] !== this.#words[TAKEN_WORD])
      throw new Error(`The reader sleeps over messages: ${state}`);
    if (this.seen.some((number, i) => i > 0 && number <= (this.seen[i - 1] as number)))
      throw new Error(`Out of order, or twice: ${state}`);
    const missing = this.messages.length - this.seen.length;
    if (missing > writerDeaths + readerDeaths) throw new Error(`More is gone than was in hand: ${state}`);
    if (this.abandoned > missing) throw new Error(`${this.abandoned} abandoned: ${state}`);
  }
}

/** The ring alone: the reader is woken after each message, and the writer when the ring says that it waits. */
function checkRing(work: Case): Result & { readonly copiedWords: number } {
  const model = new Model(work);
  const { stepper, messages } = model;
  const write = () => {
    const ring = new RingWriter(model.ring);
    const wake = () => {
      if (ring.takeNews()) ringBell(stepper, 1);
    };
    // A predecessor may have died after a message and before the bell.
    ringBell(stepper, 1);
    for (let number = model.begun + 1; number < messages.length; number++) {
      const frame = model.frame(number);
      model.begun = number;
      while (!ring.tryWrite(frame)) {
        wake();
        waitForBell(stepper);
      }
      wake();
      while (ring.pendingBytes > 0) {
        if (!ring.hasRoom()) waitForBell(stepper);
        ring.continue();
        wake();
      }
    }
  };
  const read = () => {
    const before = model.abandoned;
    const ring = new RingReader(model.ring, MOST_MESSAGE);
    // As a transport does at its start: the writer may wait for what the dead one had freed.
    ringBell(stepper, 0);
    for (;;) {
      ring.read(model.visit, 2);
      model.abandoned = before + ring.abandoned;
      if (ring.writerWaits()) ringBell(stepper, 0);
      if (!ring.hasMore) waitForBell(stepper);
    }
  };
  const result = model.explore(write, read, work.deaths ?? 0);
  return { ...result, copiedWords: model.ring.copied.words };
}

/** The direction that is not looked at: real memory, and nothing happens in it. */
const still = () => openRing(new ArrayBuffer(ringBytes(4_096)), 0, 4_096);

/** The whole of it: transports that hang on doorbells, which ring only for those who sleep. */
function checkDoorbells(work: Case, Loop: typeof FakePoller): Result {
  const model = new Model(work);
  const { stepper, messages } = model;
  const bellWords = fakeBellWords(RING_WORDS);
  const bell = (agent: number) => new Doorbell(BELLS[agent] as number, bellWords, 4 * agent);
  const write = () => {
    const poller = new Loop();
    const listener = new DoorbellListener(bell(0), poller);
    const transport = new RingTransport({ incoming: still(), outgoing: model.ring, listener, peer: bell(1) });
    let next = model.begun + 1;
    const send = () => {
      for (; next < messages.length; next++) {
        model.begun = next;
        if (!transport.trySend(model.frame(next))) return;
        transport.flush();
      }
    };
    transport.start({ readable() {}, writable: send, ended() {} });
    send();
    while (next < messages.length || transport.pendingBytes > 0) poller.turn(stepper);
  };
  const read = () => {
    const poller = new Loop();
    const listener = new DoorbellListener(bell(1), poller);
    const transport = new RingTransport({ incoming: model.ring, outgoing: still(), listener, peer: bell(0) });
    const before = model.abandoned;
    transport.start({ readable: () => void transport.receive(model.visit, 2), writable() {}, ended() {} });
    transport.setReading(true);
    for (;;) {
      poller.turn(stepper);
      model.abandoned = before + transport.abandoned;
    }
  };
  return model.explore(write, read, work.deaths ?? 0);
}

const STRESS = process.env.MILLRACE_STRESS !== undefined;
const LONG = { timeout: 3_600_000 };

/** Five messages fill the ring, and the sixth has no room until a reader has begun. */
const FULL: Case = { messages: [16, 16, 16, 16, 16, 4], there: 5, taken: 4 };

/** Enough states to say that something was explored, and some end in every way. */
function expectExplored({ states, ends, deaths }: Result, least: number, mayDie: boolean): void {
  expect(states).toBeGreaterThan(least);
  expect(ends).toBeGreaterThan(10);
  expect(deaths > 0).toBe(mayDie);
}

test(
  'a ring, in every interleaving of its writer and its reader: whole, in order, once, and nobody waits for ever',
  LONG,
  () => {
    const first = checkRing({ messages: [4, 12] });
    expectExplored(first, 900, false);
    // Messages are copied by words where they can be, and the model sees those copies.
    expect(first.copiedWords).toBeGreaterThan(0);
    // The last record does not fit before the end of the data.
    expectExplored(checkRing({ messages: [4, 12, 8], start: 104 }), 6_000, false);
    // In three pieces; and with a ring that is full, so that the writer waits for the reader.
    expectExplored(checkRing({ messages: [40], start: 64 }), 1_000, false);
    expectExplored(checkRing(FULL), 100, false);
  },
);

test('so it is with a death of either between any two of its operations, and a successor', LONG, () => {
  expectExplored(checkRing({ messages: [4, 12], start: 104, deaths: 1 }), 10_000, true);
  expectExplored(checkRing({ messages: [40], start: 64, deaths: 1 }), 10_000, true);
  expectExplored(checkRing({ ...FULL, deaths: 1 }), 5_000, true);
  if (!STRESS) return;
  expectExplored(checkRing({ messages: [4, 12], start: 104, deaths: 2 }), 50_000, true);
  expectExplored(checkRing({ messages: [40, 4], start: 64, deaths: 1 }), 50_000, true);
});

for (const [told, Loop] of [
  ['levels', FakePoller],
  ['edges', FakeEdgePoller],
] as const)
  test(
    `the doorbells of two transports, told by ${told}, wake whoever sleeps over work, dead ones being replaced`,
    LONG,
    () => {
      expectExplored(checkDoorbells({ messages: [4] }, Loop), 500, false);
      expectExplored(checkDoorbells({ messages: [4], deaths: 1 }, Loop), 5_000, true);
      if (!STRESS) return;
      expectExplored(checkDoorbells({ messages: [4, 12], start: 104 }, Loop), 5_000, false);
      expectExplored(checkDoorbells(FULL, Loop), 5_000, false);
    },
  );

test('the model finds a writer that is not woken, a message that is sent twice, and a load that is not ordered', () => {
  const forgetful = new Model(FULL);
  const { stepper } = forgetful;
  const write = () => {
    const ring = new RingWriter(forgetful.ring);
    ringBell(stepper, 1);
    while (!ring.tryWrite(forgetful.frame(5))) waitForBell(stepper);
    ringBell(stepper, 1);
  };
  const readOnly = () => {
    const ring = new RingReader(forgetful.ring, MOST_MESSAGE);
    for (;;) {
      ring.read(forgetful.visit, 2);
      if (!ring.hasMore) waitForBell(stepper);
    }
  };
  expect(() => forgetful.explore(write, readOnly, 0)).toThrow('waits for ever');

  const again = new Model({ messages: [4] });
  const writeAgain = () => {
    new RingWriter(again.ring).tryWrite(again.frame(0));
    ringBell(again.stepper, 1);
  };
  const read = () => {
    const ring = new RingReader(again.ring, MOST_MESSAGE);
    for (;;) {
      ring.read(again.visit, 2);
      waitForBell(again.stepper);
    }
  };
  expect(() => again.explore(writeAgain, read, 1)).toThrow('twice');

  const early = new Model({ messages: [4] });
  const readEarly = () => {
    ringBell(early.stepper, 0);
    expect(early.ring.words[HEADER_BYTES / 4]).toBeDefined();
  };
  expect(() =>
    early.explore(() => new RingWriter(early.ring).tryWrite(early.frame(0)), readEarly, 0),
  ).toThrow(Race);
});

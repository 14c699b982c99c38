import { type Abandoned, abandon } from './queue-abandon.js';
import {
  ANYONE,
  NONE,
  type QueueStats,
  type QueueWriter,
  type SharedQueueOptions,
} from './queue-contract.js';
import { QueueLane } from './queue-lane.js';
import * as layout from './queue-layout.js';
import { checkSize, enter, laneOf, leave, wrongMember } from './queue-member.js';
import { QueueSleepers } from './queue-sleepers.js';
import { QueueSlots } from './queue-slots.js';

/**
 * A queue in shared memory for many producers and many consumers, any of whom may die at any instruction. A message is
 * in its slot from the moment it is posted until its taker is done with it, and the slot says who has it.
 *
 * Notes. All calls return at once. A ticket is a small integer that names a message to who posted it and, another
 * one, to who took it; it repeats after 2^21 messages in the same slot. README.md has the contract.
 */
export class SharedQueue {
  readonly member: number;
  readonly incarnation: number;
  /** Largest message in bytes. */
  readonly maxMessageSize: number;
  /** The memory in which `start` and `length` find a message. */
  readonly memory: Buffer;
  readonly #words: Int32Array;
  readonly #geometry: layout.QueueGeometry;
  readonly #slots: QueueSlots;
  readonly #lanes: readonly QueueLane[];
  readonly #shared: QueueLane;
  readonly #own: QueueLane;
  readonly #takers: QueueSleepers;
  readonly #posters: QueueSleepers;
  readonly #ring: (member: number) => void;
  #inHand = 0;
  #closed = false;

  /** Throws `ERR_MILLRACE_QUEUE_MEMBER` for a number that is out of range or still another's. */
  constructor({ memory, member, incarnation = 1, ring }: SharedQueueOptions) {
    const { words, geometry, data } = memory;
    enter(memory, member, incarnation);
    const sleepers = (at: number) => new QueueSleepers(words, at, geometry.members, member, ring);
    this.member = member;
    this.incarnation = incarnation;
    this.maxMessageSize = geometry.payloadBytes;
    this.memory = data;
    this.#words = words;
    this.#geometry = geometry;
    this.#ring = ring;
    this.#takers = sleepers(layout.TAKERS_WORD);
    this.#posters = sleepers(layout.POSTERS_WORD);
    this.#slots = new QueueSlots(memory, member, this.#posters);
    const lanes = { length: geometry.members + 1 };
    this.#lanes = Array.from(lanes, (_, index) => new QueueLane(memory, this.#slots, index));
    this.#shared = this.#lanes[layout.SHARED_LANE] as QueueLane;
    this.#own = this.#lanes[member + 1] as QueueLane;
  }

  /** Messages that this object has taken, or got by `abandon`, and has not given back. */
  get inHand(): number {
    return this.#inHand;
  }

  /**
   * Posts a message: up to 12 words that are the caller's, and bytes, which are copied. `target` is the one member that
   * may take it. Returns its ticket, or `NONE` when no slot is free.
   *
   * Throws `ERR_MILLRACE_QUEUE_MESSAGE_SIZE` for a message that no slot can hold.
   */
  post(header: ArrayLike<number>, bytes: Uint8Array, target = ANYONE): number {
    checkSize(this.#geometry, header.length, bytes.length);
    const lane = laneOf(this.#geometry, target);
    const slot = this.#claim();
    if (slot < 0) return NONE;
    if (bytes.length > 0) this.memory.set(bytes, layout.payloadByte(this.#slots.at(slot)));
    return this.#publish(slot, header, bytes.length, lane);
  }

  /** Posts a message that `write` writes in place. When it throws, nothing was posted. */
  postWith(header: ArrayLike<number>, write: QueueWriter, target = ANYONE): number {
    checkSize(this.#geometry, header.length, 0);
    const lane = laneOf(this.#geometry, target);
    const slot = this.#claim();
    if (slot < 0) return NONE;
    const held = this.#slots.state(slot);
    try {
      const length = write(this.memory, layout.payloadByte(this.#slots.at(slot)), this.maxMessageSize);
      checkSize(this.#geometry, header.length, length);
      return this.#publish(slot, header, length, lane);
    } catch (error) {
      // After it was published the state is another, and nothing happens here.
      this.#slots.free(slot, held);
      throw error;
    }
  }

  /** Takes a posted message back. True when nobody had taken it: now nobody will. */
  withdraw(ticket: number): boolean {
    const slot = this.#slots.slotOf(ticket);
    const state = this.#slots.state(slot);
    if (layout.kindOf(state) !== layout.READY || !this.#slots.isOf(state, ticket)) return false;
    const lane = this.#words[this.#slots.at(slot) + layout.TARGET] as number;
    // A READY message of this generation becomes nothing but TAKEN or, here, WITHDRAWN: one try is enough.
    if (!this.#slots.change(slot, state, this.#slots.mine(layout.WITHDRAWN, state))) return false;
    this.#lanes[lane]?.front();
    return true;
  }

  /**
   * Takes the next message: the first of those for this member alone, else the first of those for anyone. Returns its
   * ticket, or `NONE`. It stays in this member's hand until `done` or `retry`.
   */
  take(): number {
    this.#takers.wake();
    let ticket = this.#own.take();
    if (ticket >= 0) {
      // This member may have been rung for a message for anyone; that is now another's.
      if (this.#takers.any() && this.#shared.front() >= 0) this.#takers.ringOne();
      this.#freeWithdrawn(this.#own);
    } else {
      ticket = this.#shared.take();
      if (ticket < 0) return NONE;
      this.#freeWithdrawn(this.#shared);
    }
    this.#inHand++;
    return ticket;
  }

  /** Word `index` of the header of a message in hand. */
  header(ticket: number, index: number): number {
    return this.#words[this.#slots.at(this.#slots.slotOf(ticket)) + layout.CALLER + index] as number;
  }

  /** Where in `memory` a message in hand begins. */
  start(ticket: number): number {
    return layout.payloadByte(this.#slots.at(this.#slots.slotOf(ticket)));
  }

  /** The length of a message in hand, in bytes. */
  length(ticket: number): number {
    return this.#words[this.#slots.at(this.#slots.slotOf(ticket)) + layout.LENGTH] as number;
  }

  /** A view of a message in hand, valid until `done` or `retry`. */
  bytes(ticket: number): Buffer {
    const start = this.start(ticket);
    return this.memory.subarray(start, start + this.length(ticket));
  }

  /** Gives the slot of a message in hand back. Throws `ERR_MILLRACE_QUEUE_TICKET` when it is not in this hand. */
  done(ticket: number): void {
    const slot = this.#slots.slotOf(ticket);
    const held = this.#slots.mineOf(layout.TAKEN, ticket);
    if (!this.#slots.free(slot, held)) throw this.#slots.lost(slot, held);
    this.#inHand--;
  }

  /**
   * Puts a message in hand back, at the end, for the same members as before or for `target`. Returns its new ticket;
   * who had posted it can no longer withdraw it. Throws `ERR_MILLRACE_QUEUE_TICKET` when it is not in this hand.
   */
  retry(ticket: number, target?: number): number {
    const slot = this.#slots.slotOf(ticket);
    const held = this.#slots.mineOf(layout.TAKEN, ticket);
    if (this.#slots.state(slot) !== held) throw this.#slots.lost(slot, held);
    const before = this.#words[this.#slots.at(slot) + layout.TARGET] as number;
    const lane = target === undefined ? before : laneOf(this.#geometry, target);
    const next = this.#append(slot, held, this.#slots.mineNext(layout.READY, held), lane);
    this.#inHand--;
    return next;
  }

  /**
   * Asks to be rung when there is a message. False when there is one already: then it has not asked. The next `take`
   * ends the waiting; one that will not come is announced by `stopWaiting`.
   */
  awaitMessages(): boolean {
    this.#takers.sleep();
    // Pairs with the store of the entry in QueueLane.append: its poster looks for sleepers after it.
    if (this.#own.front() < 0 && this.#shared.front() < 0) return true;
    this.#takers.wake();
    return false;
  }

  /** Asks to be rung when a slot is free. False when one is free already. The next post ends the waiting. */
  awaitRoom(): boolean {
    this.#posters.sleep();
    this.#sweep();
    if (!this.#slots.anyFree()) return true;
    this.#posters.wake();
    return false;
  }

  /** Asks no more to be rung. A ring that was meant for this member goes to another that waits. */
  stopWaiting(): void {
    if (this.#takers.wake() && this.#shared.front() >= 0) this.#takers.ringOne();
    if (this.#posters.wake() && this.#slots.anyFree()) this.#posters.ringOne();
  }

  /**
   * Rings one sleeping member if a message for anyone waits. For a caller that suspects a member which was rung of
   * being stopped; nothing in the queue needs it.
   */
  nudge(): void {
    if (this.#shared.front() >= 0) this.#takers.ringOne();
  }

  /**
   * Takes notice that an incarnation of a member is dead, certainly and for ever. Each message that it had in hand
   * passes into this member's hand and is visited, once; `done` or `retry` it. Its number is free for a successor
   * afterwards. A second call, or one for an incarnation before the present one, does nothing.
   *
   * One member at a time does this for a given dead one. When that dies on the way, or `visit` throws, the call is
   * made again: by its successor, for its own predecessor first.
   */
  abandon(member: number, incarnation: number, visit: (ticket: number) => void): Abandoned {
    if (member === this.member) throw wrongMember(`Member ${member} cannot abandon itself.`);
    return abandon(
      {
        words: this.#words,
        geometry: this.#geometry,
        slots: this.#slots,
        lanes: this.#lanes,
        takers: this.#takers,
        posters: this.#posters,
        ring: this.#ring,
      },
      member,
      incarnation,
      (ticket) => {
        this.#inHand++;
        visit(ticket);
      },
    );
  }

  /** How many entries wait for anyone, those withdrawn and not yet passed among them. */
  get backlog(): number {
    return this.#shared.length;
  }

  /** How many slots are in which state; it looks at every slot, while others change them. */
  stats(): QueueStats {
    const [free, writing, waiting, taken, withdrawn] = this.#slots.count();
    return { free, writing, waiting, taken, withdrawn };
  }

  /**
   * Leaves the queue. With messages in hand the member stays, as if it had died: `abandon` gives them to another.
   * What it posted stays, too.
   */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.stopWaiting();
    if (this.#inHand > 0) return;
    leave(this.#words, this.member, this.incarnation);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #claim(): number {
    this.#posters.wake();
    const slot = this.#slots.claim();
    return slot < 0 && this.#sweep() ? this.#slots.claim() : slot;
  }

  #publish(slot: number, header: ArrayLike<number>, length: number, lane: number): number {
    const at = this.#slots.at(slot);
    this.#words[at + layout.LENGTH] = length;
    for (let i = 0; i < header.length; i++) this.#words[at + layout.CALLER + i] = header[i] as number;
    const held = this.#slots.state(slot);
    return this.#append(slot, held, this.#slots.mine(layout.READY, held), lane);
  }

  #append(slot: number, held: number, ready: number, lane: number): number {
    (this.#lanes[lane] as QueueLane).append(slot, held, ready);
    if (lane === layout.SHARED_LANE) this.#takers.ringOne();
    else this.#takers.ringMember(lane - 1);
    return this.#slots.ticket(slot, ready);
  }

  /** Passes what is gone in every lane; whether that freed a slot. */
  #sweep(): boolean {
    const before = this.#slots.freed;
    for (let i = 0; i < this.#lanes.length; i++) (this.#lanes[i] as QueueLane).front();
    return this.#slots.freed !== before;
  }

  /** What was withdrawn behind a message that is now taken is freed at once when somebody waits for room. */
  #freeWithdrawn(lane: QueueLane): void {
    // After the swap of HEAD; pairs with the sweep after `sleep` in `awaitRoom`.
    if (this.#posters.any()) lane.front();
  }
}

/**
 * A queue of messages in shared memory, for many producers and many consumers. Nothing outside of this file knows an
 * offset, nor the bits of a word.
 *
 *   byte  0        4         8       12        16
 *         ┌────────┬─────────┬───────┬─────────┬─────────┐
 *         │ MAGIC  │ VERSION │ SLOTS │ PAYLOAD │ MEMBERS │       written once, MAGIC last
 *     64  ├────────┴─────────┴───────┴─────────┴─────────┤
 *         │ TAKERS, a bit for each member                │       1: sleeps until there is a message
 *    128  ├──────────────────────────────────────────────┤
 *         │ POSTERS, a bit for each member               │       1: sleeps until a slot is free
 *    192  ├──────────────────────────────────────────────┤
 *         │ INCARNATIONS, a word for each member         │       0: nobody uses the queue under this number
 *         ├──────────────────────────────────────────────┤
 *         │ STATES, a word for each slot                 │       who may do what with the slot
 *         ├──────────────────────────────────────────────┤
 *         │ lane 0 (for anyone): HEAD, TAIL, ENTRIES     │       the order in which messages are taken
 *         │ lane m + 1 (for member m): the same          │
 *         ├──────────────────────────────────────────────┤
 *         │ slots: a line of header, PAYLOAD bytes, each │       the messages
 *         └──────────────────────────────────────────────┘
 *
 *   state   ┌───────────────┬────────────┬─────────┐
 *           │ generation 21 │ member 8   │ kind 3  │              bits
 *           └───────────────┴────────────┴─────────┘
 *   lane    ┌ 64 ───┬ 64 ───┬ SLOTS × 4 ──── … ─┐
 *           │ HEAD  │ TAIL  │ ENTRIES           │                positions, modulo 2^32
 *           └───────┴───────┴─────────────── … ─┘
 *   slot    ┌──────────┬────────┬────────┬──────┬─────────────────┬──── … ─────────┐
 *           │ POSITION │ TARGET │ LENGTH │      │ 12 caller words │ PAYLOAD bytes  │
 *           └──────────┴────────┴────────┴──────┴─────────────────┴──── … ─────────┘
 *
 * A slot's life, each step one compare-and-swap of its state; `m` is the member that may make the next one:
 *
 *   FREE ──claim──▶ WRITING m ──publish──▶ READY m ──take──▶ TAKEN m ──done──▶ FREE, next generation
 *                                           │   ▲               │
 *                                  withdraw │   └────retry──────┘ (next generation)
 *                                           ▼
 *                                       WITHDRAWN ──passed in its lane──▶ FREE, next generation
 *
 * The entry of position `p` is the number of a slot, with the high bits of `p + SLOTS` above it: so it says by itself
 * whether it was written for `p` or is left from the lap before, and memory of zeroes is an empty lane. A message
 * waits in a lane when the entry at its POSITION names its slot and its state is READY. Entries are never cleared;
 * HEAD passes those whose message is gone, and whoever comes by moves HEAD and TAIL for the others.
 *
 * Death at any step, and what `abandon` does about it:
 * - WRITING: nobody has seen the message; the slot is freed.
 * - READY, not yet in its lane (its entry does not name it): the message is whole; it is put there.
 * - READY, in its lane: nothing is to do; the message outlives who posted it.
 * - TAKEN: the message passes into the hand of whoever calls `abandon`, in the slot where it is.
 * - Between a claim of a bit in TAKERS or POSTERS and the ring of the bell: everybody is rung.
 */
export const MAGIC = 0x4d51_5545; // "MQUE"
export const VERSION = 1;

const WORD = 4;
const LINE = 64;
export const MAGIC_WORD = 0 / WORD;
export const VERSION_WORD = 4 / WORD;
export const SLOTS_WORD = 8 / WORD;
export const PAYLOAD_WORD = 12 / WORD;
export const MEMBERS_WORD = 16 / WORD;
export const TAKERS_WORD = 64 / WORD;
export const POSTERS_WORD = 128 / WORD;
export const INCARNATIONS_WORD = 192 / WORD;

/** Words of a lane, from its begin. */
export const HEAD = 0 / WORD;
export const TAIL = 64 / WORD;
export const ENTRIES = 128 / WORD;

/** Words of a slot, from its begin. */
export const POSITION = 0 / WORD;
export const TARGET = 4 / WORD;
export const LENGTH = 8 / WORD;
export const CALLER = 16 / WORD;
/** How many words of a message's header belong to the caller. */
export const CALLER_WORDS = 12;

/** The lane whose messages anyone may take; member `m` has lane `m + 1` for itself. */
export const SHARED_LANE = 0;

export const MIN_SLOTS = 2;
export const MAX_SLOTS = 1 << 16;
/** Bits of a state word, and of TAKERS and POSTERS. */
export const MAX_MEMBERS = 256;
export const MAX_PAYLOAD = 1 << 20;
/** Offsets are small integers then, which cost no allocation. */
export const MAX_BYTES = 2 ** 31 - LINE;

export const FREE = 0;
export const WRITING = 1;
export const READY = 2;
export const TAKEN = 3;
export const WITHDRAWN = 4;

const KIND_MASK = 0b111;
const MEMBER_SHIFT = 3;
const MEMBER_MASK = 0xff;
const GENERATION_SHIFT = 11;
const GENERATION_BITS = 21;
/** Tickets are slot and generation in one small integer that is not negative. */
const TICKET_BITS = 31;

export function kindOf(state: number): number {
  return state & KIND_MASK;
}

export function memberOf(state: number): number {
  return (state >>> MEMBER_SHIFT) & MEMBER_MASK;
}

export function generationOf(state: number): number {
  return state >>> GENERATION_SHIFT;
}

export function stateOf(kind: number, member: number, generation: number): number {
  return (generation << GENERATION_SHIFT) | (member << MEMBER_SHIFT) | kind;
}

/** Where everything lies, in words from the begin of the queue. */
export interface QueueGeometry {
  readonly slots: number;
  readonly payloadBytes: number;
  readonly members: number;
  readonly slotBits: number;
  /** Generations count modulo this plus one. */
  readonly generationMask: number;
  readonly states: number;
  readonly lanes: number;
  readonly laneWords: number;
  readonly slotsAt: number;
  readonly slotWords: number;
  readonly bytes: number;
}

export function geometryOf(slots: number, payloadBytes: number, members: number): QueueGeometry {
  const slotBits = Math.log2(slots);
  const lines = (words: number) => Math.ceil((words * WORD) / LINE) * (LINE / WORD);
  const states = INCARNATIONS_WORD + lines(members);
  const lanes = states + lines(slots);
  const laneWords = ENTRIES + lines(slots);
  const slotsAt = lanes + (members + 1) * laneWords;
  const slotWords = (LINE + payloadBytes) / WORD;
  return {
    slots,
    payloadBytes,
    members,
    slotBits,
    generationMask: (1 << Math.min(GENERATION_BITS, TICKET_BITS - slotBits)) - 1,
    states,
    lanes,
    laneWords,
    slotsAt,
    slotWords,
    bytes: (slotsAt + slots * slotWords) * WORD,
  };
}

/** The first byte of the payload of the slot that begins at word `slotWord`, from the begin of the queue. */
export function payloadByte(slotWord: number): number {
  return slotWord * WORD + LINE;
}

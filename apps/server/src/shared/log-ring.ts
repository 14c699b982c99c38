import * as layout from './log-ring-layout.js';

const { SLOTS, SLOT_BYTES, SLOTS_AT, PART_BYTES, MOST_PARTS, TEXT_AT } = layout;
const MOST_BYTES = PART_BYTES * MOST_PARTS;
/** Characters of a message that is kept of a line that is too long; each may take six bytes, as an escape. */
const MOST_TEXT = Math.floor(MOST_BYTES / 8);
/** How often a reader looks at a slot that is not whole, until it takes its writer for dead. */
const PATIENCE = 10;
/** Characters of a word that says where such a line comes from; six of them, each with six bytes, fit beside the message. */
const MOST_WORD = 64;
const ONE_LINE = 1n << 32n;

/** What a reader has come to. */
export interface Position {
  /** The next ticket. */
  ticket: number;
  /** The number of the next line, as far as that is known. */
  line: number | undefined;
  /** Looks in a row at which the slot of that ticket was not whole. */
  waited: number;
}

export interface ReadLines {
  readonly lines: string[];
  /** Lines before and between them that were written over before they were read. */
  readonly lost: number;
}

interface Slot {
  readonly line: number;
  readonly part: number;
  readonly parts: number;
  readonly text: Buffer;
}

/** The last lines of the log of all processes, see log-ring-layout.ts. */
export class LogRing {
  readonly #bytes: Buffer;
  readonly #next: BigInt64Array;
  readonly #words: Int32Array;
  readonly #view: DataView;

  constructor(memory: ArrayBuffer) {
    this.#bytes = Buffer.from(memory);
    this.#next = new BigInt64Array(memory, 0, 1);
    this.#words = new Int32Array(memory);
    this.#view = new DataView(memory);
  }

  /** Keeps a line of JSON; one that is too long is kept in short. */
  write(line: string): void {
    let bytes = Buffer.from(line.endsWith('\n') ? line.slice(0, -1) : line);
    if (bytes.length > MOST_BYTES) bytes = Buffer.from(inShort(line));
    const parts = Math.ceil(bytes.length / PART_BYTES);
    if (parts === 0) return;
    const before = Atomics.add(this.#next, 0, ONE_LINE + BigInt(parts));
    const first = Number(BigInt.asIntN(32, before));
    const number = Number(BigInt.asIntN(32, before >> 32n));
    for (let part = 0; part < parts; part++) {
      const ticket = (first + part) | 0;
      const at = slotAt(ticket);
      const word = at / 4 + layout.TICKET_WORD;
      Atomics.store(this.#words, word, 0);
      const from = part * PART_BYTES;
      const length = bytes.copy(this.#bytes, at + TEXT_AT, from, Math.min(bytes.length, from + PART_BYTES));
      this.#view.setInt32(at + layout.LINE_AT, number, true);
      this.#view.setUint16(at + layout.PART_AT, part, true);
      this.#view.setUint16(at + layout.PARTS_AT, parts, true);
      this.#view.setUint32(at + layout.LENGTH_AT, length, true);
      Atomics.store(this.#words, word, (ticket + 1) | 0);
    }
  }

  /** As `text` says, which is what {@link textOf} made of a position of this ring. */
  positionOf(text: string): Position | undefined {
    const [, ticket, line] = /^(\d{1,10})-(\d{1,10})$/.exec(text) ?? [];
    return ticket === undefined
      ? undefined
      : { ticket: Number(ticket) | 0, line: Number(line) | 0, waited: 0 };
  }

  /** Where the oldest line is that may be there still. */
  oldest(): Position {
    const next = this.#nextTicket();
    // What has wrapped is full as well.
    const isFull = next < 0 || next > SLOTS;
    return { ticket: isFull ? (next - SLOTS) | 0 : 0, line: undefined, waited: 0 };
  }

  /**
   * Takes up to `most` lines from `position` on, which moves on. What is there may have been written by any process: a line may be
   * anything, and what cannot be one is left out.
   */
  read(position: Position, most: number): ReadLines {
    const lines: string[] = [];
    let lost = 0;
    const next = this.#nextTicket();
    const behind = (next - position.ticket) | 0;
    // Below 0: a rogue process has written over it.
    if (behind < 0 || behind > SLOTS) move(position, (next - SLOTS) | 0);
    while (lines.length < most && ((next - position.ticket) | 0) > 0) {
      const found = this.#take(position.ticket, next);
      if (found === undefined) {
        if (++position.waited < PATIENCE) break;
        move(position, (position.ticket + 1) | 0);
        continue;
      }
      move(position, (position.ticket + found.parts) | 0);
      if (found.text === '') continue;
      const missing = position.line === undefined ? 0 : (found.line - position.line) | 0;
      // More than there can be: see above.
      if (missing > 0) lost += missing;
      position.line = (found.line + 1) | 0;
      lines.push(found.text);
    }
    return { lines, lost };
  }

  #nextTicket(): number {
    return Number(BigInt.asIntN(32, Atomics.load(this.#next, 0)));
  }

  /** The line whose first ticket that is; undefined where it is not whole; no text where its beginning is not there any more. */
  #take(
    ticket: number,
    next: number,
  ): { readonly text: string; readonly line: number; readonly parts: number } | undefined {
    const first = this.#slot(ticket);
    if (first === undefined) return undefined;
    const { line, part, parts } = first;
    if (part !== 0 || parts < 1 || parts > MOST_PARTS) return { text: '', line, parts: 1 };
    if (((next - ticket) | 0) < parts) return undefined;
    const pieces = [first.text];
    for (let more = 1; more < parts; more++) {
      const slot = this.#slot((ticket + more) | 0);
      if (slot === undefined) return undefined;
      if (slot.part !== more || slot.line !== line) return { text: '', line, parts: more };
      pieces.push(slot.text);
    }
    return { text: Buffer.concat(pieces).toString(), line, parts };
  }

  #slot(ticket: number): Slot | undefined {
    const at = slotAt(ticket);
    const word = at / 4 + layout.TICKET_WORD;
    const whole = (ticket + 1) | 0;
    if (Atomics.load(this.#words, word) !== whole) return undefined;
    const length = Math.min(PART_BYTES, this.#view.getUint32(at + layout.LENGTH_AT, true));
    const slot = {
      line: this.#view.getInt32(at + layout.LINE_AT, true),
      part: this.#view.getUint16(at + layout.PART_AT, true),
      parts: this.#view.getUint16(at + layout.PARTS_AT, true),
      text: Buffer.from(this.#bytes.subarray(at + TEXT_AT, at + TEXT_AT + length)),
    };
    return Atomics.load(this.#words, word) === whole ? slot : undefined;
  }
}

/** A position as a word; before the first line that is line 0. */
export const textOf = ({ ticket, line = 0 }: Position) => `${ticket >>> 0}-${line >>> 0}`;

// SLOTS is a power of two, so tickets that have wrapped go on in order.
const slotAt = (ticket: number) => SLOTS_AT + (ticket & (SLOTS - 1)) * SLOT_BYTES;

function move(position: Position, ticket: number): void {
  position.ticket = ticket;
  position.waited = 0;
}

/** Who has said it, and the beginning of what. Each of these may be anything, of any length. */
function inShort(line: string): string {
  const { level, time, role, id, pid, stream, msg } = JSON.parse(line) as Record<string, unknown>;
  const origin = Object.entries({ level, time, role, id, pid, stream }).filter(([, value]) => isShort(value));
  const text = typeof msg === 'string' ? msg : line;
  return JSON.stringify({ ...Object.fromEntries(origin), msg: text.slice(0, MOST_TEXT), cut: true });
}

const isShort = (value: unknown) =>
  typeof value === 'number' || (typeof value === 'string' && value.length <= MOST_WORD);

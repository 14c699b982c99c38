/**
 * A task in a queue of the system, of those that share claims with the task workers: a head of 16 bytes, and then the
 * message as task-layout.ts has it. Nothing outside of this file knows an offset.
 *
 *   byte  0      1          4         8                 16
 *         ┌──────┬──────────┬─────────┬─────────────────┬─── … ──────────────┐
 *         │ KIND │ RESERVED │ ASKER   │ RUN             │ the task's message │
 *         └──────┴──────────┴─────────┴─────────────────┴─── … ──────────────┘
 *           u8     0          u32       8 random bytes
 *
 *   KIND    CLAIMED: what has this head. A message without it begins with TASK of task-layout.ts, and has no claim
 *   ASKER   the client: its claims hold the SLOT of the message, and it gets the answer
 *   RUN     which run of a pool or server this is; the claims of another are gone
 *
 * Numbers are little-endian. Other programs leave this head out: what they post is run without a claim, once, and the
 * result is discarded. So is what an earlier run has left.
 */
const KIND_AT = 0;
const ASKER_AT = 4;
const RUN_AT = 8;
const RUN_BYTES = 8;
export const QUEUE_HEAD_BYTES = RUN_AT + RUN_BYTES;

/** No kind of task-layout.ts. */
export const CLAIMED = 64;

export function writeQueueHead(target: Buffer, asker: number, run: Buffer): void {
  target.fill(0, 0, QUEUE_HEAD_BYTES);
  target[KIND_AT] = CLAIMED;
  target.writeUInt32LE(asker, ASKER_AT);
  run.copy(target, RUN_AT, 0, RUN_BYTES);
}

/** Whether a message has this head. */
export function hasQueueHead(message: Buffer): boolean {
  return message.length >= QUEUE_HEAD_BYTES && message[KIND_AT] === CLAIMED;
}

/** The client of a message with a head; -1 when it is of another run. */
export function askerOf(message: Buffer, run: Buffer): number {
  const same = run.compare(message, RUN_AT, RUN_AT + RUN_BYTES, 0, RUN_BYTES) === 0;
  return same ? message.readUInt32LE(ASKER_AT) : -1;
}

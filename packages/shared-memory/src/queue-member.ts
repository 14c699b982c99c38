import { SharedMemoryError } from './errors.js';
import { ANYONE } from './queue-contract.js';
import * as layout from './queue-layout.js';
import type { QueueMemory } from './queue-memory.js';

/** Marks a member's number as taken; throws `ERR_MILLRACE_QUEUE_MEMBER` when it is out of range or another's. */
export function enter({ words, geometry }: QueueMemory, member: number, incarnation: number): void {
  if (!Number.isInteger(member) || member < 0 || member >= geometry.members)
    throw wrongMember(`Members of this queue are 0 to ${geometry.members - 1}, not ${member}.`);
  if ((incarnation | 0) !== incarnation || incarnation < 1)
    throw wrongMember(`An incarnation is an integer from 1 to 2147483647, not ${incarnation}.`);
  // Pairs with the swap in `leave`: what the one before had is in other hands when this one begins.
  const holder = Atomics.compareExchange(words, layout.INCARNATIONS_WORD + member, 0, incarnation);
  if (holder === 0) return;
  throw wrongMember(
    `Member ${member} is incarnation ${holder}; ${incarnation} can have its place after abandon(${member}, ${holder}).`,
  );
}

/** Gives a member's number back, if it is still this incarnation's. */
export function leave(words: Int32Array, member: number, incarnation: number): void {
  Atomics.compareExchange(words, layout.INCARNATIONS_WORD + member, incarnation, 0);
}

/** The lane for a target; throws `ERR_MILLRACE_QUEUE_MEMBER` when there is no such member. */
export function laneOf({ members }: layout.QueueGeometry, target: number): number {
  if (target === ANYONE) return layout.SHARED_LANE;
  if (!Number.isInteger(target) || target < 0 || target >= members)
    throw wrongMember(`Members of this queue are 0 to ${members - 1}, not ${target}.`);
  return target + 1;
}

/** Throws `ERR_MILLRACE_QUEUE_MESSAGE_SIZE` for what no slot can hold. */
export function checkSize({ payloadBytes }: layout.QueueGeometry, words: number, bytes: number): void {
  // Written so that a length which is no number is refused, too.
  if (words <= layout.CALLER_WORDS && bytes >= 0 && bytes <= payloadBytes && Number.isInteger(bytes)) return;
  throw new SharedMemoryError(
    'ERR_MILLRACE_QUEUE_MESSAGE_SIZE',
    `A message of ${words} words and ${bytes} bytes does not fit a slot of ${layout.CALLER_WORDS} words and ${payloadBytes} bytes.`,
  );
}

export function wrongMember(message: string): SharedMemoryError {
  return new SharedMemoryError('ERR_MILLRACE_QUEUE_MEMBER', message);
}

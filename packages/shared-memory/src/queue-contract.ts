import type { QueueMemory } from './queue-memory.js';

export interface SharedQueueOptions {
  readonly memory: QueueMemory;
  /** This participant's number, from 0; one at a time has it. */
  readonly member: number;
  /** Which one of those that had this number: an int32 above 0, another for each. Default 1. */
  readonly incarnation?: number;
  /** Wakes a member that sleeps, by what it listens to: an event descriptor. It may be rung without need. */
  readonly ring: (member: number) => void;
}

/** Writes a message of up to `limit` bytes at `start` of `memory`, and returns its length. */
export type QueueWriter = (memory: Buffer, start: number, limit: number) => number;

/** There is no slot, or no message. */
export const NONE = -1;
/** A message for whoever is free first. */
export const ANYONE = -1;

/** How many slots are in which state. */
export interface QueueStats {
  readonly free: number;
  /** Messages that their posters are writing. */
  readonly writing: number;
  readonly waiting: number;
  /** Messages in hand. */
  readonly taken: number;
  /** Withdrawn, with messages before them that wait. */
  readonly withdrawn: number;
}

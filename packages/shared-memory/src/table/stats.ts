import type { Engine } from './engine.js';
import * as layout from './layout.js';

/** What has been done with a table by all processes since it was made. Counters go round at 2^32. */
export interface TableStats {
  /** Rows that are there now, expired ones included until their room is needed. */
  readonly num: number;
  /** Rows that share a chain with another one that stands before them. */
  readonly conflictCount: number;
  /** The most rows that stand before another one in its chain. */
  readonly conflictMaxLevel: number;
  /** Rows made. */
  readonly insertCount: number;
  /** Rows changed. Those of a writer that died between a change and the count of it are not in here. */
  readonly updateCount: number;
  /** Rows that went, for whatever reason. */
  readonly deleteCount: number;
  /** Of those, the expired. */
  readonly expiredCount: number;
  /** Of those, the evicted. */
  readonly evictedCount: number;
  /** Stripes that were taken over from a dead writer and repaired. */
  readonly recoveredCount: number;
  /** Slots for rows that are free, counted one by one and not computed. */
  readonly availableSliceNum: number;
  /** Slots for rows: as many as the definition has rows. */
  readonly totalSliceNum: number;
}

/** Rows that are there now. */
export function countRows({ stripes }: Engine): number {
  return (stripes.sum(layout.INSERTS) - stripes.sum(layout.DELETES)) >>> 0;
}

/** Reads every chain; rows that change meanwhile are counted as before or as after. */
export function statsOf(engine: Engine): TableStats {
  const { stripes, slots, chains, memory } = engine;
  let conflictCount = 0;
  let conflictMaxLevel = 0;
  for (let stripe = 0; stripe < stripes.count; stripe++) {
    chains.measure(stripe, (length) => {
      conflictCount += Math.max(0, length - 1);
      conflictMaxLevel = Math.max(conflictMaxLevel, length - 1);
    });
  }
  return {
    num: countRows(engine),
    conflictCount,
    conflictMaxLevel,
    insertCount: stripes.sum(layout.INSERTS),
    updateCount: stripes.sum(layout.UPDATES),
    deleteCount: stripes.sum(layout.DELETES),
    expiredCount: stripes.sum(layout.EXPIRED),
    evictedCount: stripes.sum(layout.EVICTED),
    recoveredCount: stripes.sum(layout.RECOVERED),
    availableSliceNum: slots.countHints(),
    totalSliceNum: memory.layout.rows,
  };
}

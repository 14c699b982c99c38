import { checkTimeout } from '@millrace/channel';
import { Chains } from './chains.js';
import { RowCodec } from './codec.js';
import { KeyScratch } from './key.js';
import type { TableMemory } from './memory.js';
import { TableReader } from './reader.js';
import { Room } from './room.js';
import { Slots } from './slots.js';
import { type Owners, Stripes } from './stripes.js';
import { TableWriter } from './writer.js';

/** How a thread uses a table; nothing of it is stored there. */
export interface TableUse {
  /**
   * Milliseconds to wait for a row that a living process is changing and does not finish: one that is
   * stopped. Then `ERR_MILLRACE_TABLE_BUSY` is thrown. Default 5,000.
   */
  readonly lockTimeout?: number | undefined;
  /**
   * The time in milliseconds, the same in all processes, for rows that expire. Default: the machine's monotonic clock,
   * which cannot be set.
   */
  readonly now?: (() => number) | undefined;
  /** What is done with values of a column that there is not: refused, or passed over as Swoole does. Default `'refuse'`. */
  readonly unknownColumns?: 'refuse' | 'ignore' | undefined;
}

/** The parts of a table in one thread, put together. */
export interface Engine {
  readonly memory: TableMemory;
  readonly key: KeyScratch;
  readonly codec: RowCodec;
  readonly reader: TableReader;
  readonly writer: TableWriter;
  readonly stripes: Stripes;
  readonly slots: Slots;
  readonly chains: Chains;
  readonly room: Room;
}

const DEFAULT_LOCK_TIMEOUT_MS = 5_000;

export function engineOver(memory: TableMemory, owners: Owners, use: TableUse): Engine {
  const { definition, layout } = memory;
  const now = definition.ttl > 0 ? (use.now ?? monotonic) : undefined;
  const key = new KeyScratch(definition.keyBytes, memory.seed);
  const codec = new RowCodec(layout, now !== undefined, use.unknownColumns === 'ignore');
  const slots = new Slots(memory, owners.claim());
  const stripes = new Stripes(memory, {
    owners,
    timeoutMs: checkTimeout(use.lockTimeout ?? DEFAULT_LOCK_TIMEOUT_MS, 'lockTimeout'),
    recover: (stripe) => chains.recover(stripe),
  });
  const chains = new Chains(memory, slots, stripes);
  const room = new Room(memory, { slots, stripes, chains, now });
  const reader = new TableReader(memory, codec, key, now);
  const writer = new TableWriter(memory, { codec, key, slots, stripes, chains, room, now });
  return { memory, key, codec, reader, writer, stripes, slots, chains, room };
}

/** Milliseconds of CLOCK_MONOTONIC: one clock for all processes of a machine, until it is started again. */
function monotonic(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e3 + nanoseconds / 1e6;
}

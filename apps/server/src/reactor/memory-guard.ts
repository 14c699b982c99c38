import type { Reactor } from '@millrace/reactor';
import { MemoryUse } from '@millrace/reactor/internal';
import type { ListenerIndex } from '../contract/ids.js';
import type { Topology } from '../links/topology.js';
import type { ResolvedPort } from '../options/resolved-port.js';
import type { CounterBlock } from '../shared/counter-block.js';
import type { Counters } from '../shared/counters.js';
import { MEMORY, MEMORY_CLOSES, MEMORY_HOLDS } from '../shared/counters-layout.js';
import { reactorsAtWork } from '../shared/server-size.js';
import type { Client } from './client.js';
import type { Clients } from './clients.js';
import { giveBack } from './give-back.js';
import { MAX_KEPT_HEAD } from './http/request-cutter.js';
import { PAUSE_MEMORY } from './pause-reasons.js';

/** Below this part of the high-water mark those that were held are let go. */
const LOW = 0.875;
/** So much of the bound is free again after the largest have been closed: not one more for each message. */
const FREED = 1 / 16;
/** Clients that are let go in one turn. */
const RELEASED_AT_ONCE = 8;
/** Milliseconds between two checks of all clients while they hold much. */
const LOOK_EVERY_MS = 20;
/** Bytes that a client may hold whatever the others hold. */
const SMALL = 16 << 10;
/** Bytes that were held and are no more, from which on the allocator is asked to give them back. */
const WORTH_GIVING_BACK = 16 << 20;
/** Milliseconds until then: more may follow, and others may need it. */
const GIVE_BACK_AFTER_MS = 500;
/** More times the bound than that no reactor holds: its counter was written over, and says nothing. */
const BEYOND = 4;
/** Milliseconds between two checks whether those that are held have been for too long. */
const CHECK_MS = 25;

export interface MemoryLimits {
  /** Bytes of all clients of the server beyond which the largest are closed. */
  readonly maxClientMemory: number;
  /** Bytes beyond which those that hold most are not read from. */
  readonly clientMemoryHighWatermark: number;
  /** Milliseconds without one being let go before the largest of those that are held is closed. */
  readonly clientMemoryTimeout: number;
}

export function memoryLimitsOf(options: MemoryLimits): MemoryLimits {
  const { maxClientMemory, clientMemoryHighWatermark, clientMemoryTimeout } = options;
  return { maxClientMemory, clientMemoryHighWatermark, clientMemoryTimeout };
}

/** What the guard has to know of its reactor. */
export interface GuardedReactor {
  readonly reactor: Reactor;
  readonly data: { readonly index: number; readonly topology: Pick<Topology, 'base' | 'reactors'> };
  /** Its own. */
  readonly counters: CounterBlock;
  readonly allCounters: Counters;
  readonly clients: Clients;
  port(index: ListenerIndex): ResolvedPort;
  count(counter: number, by: number): void;
  log(kind: string, text: string): void;
}

/**
 * Bounds what the clients of all reactors hold together. Each reactor publishes what its own hold, sees the sum, and acts on
 * its own clients. Above the mark those that hold more than the average are not read from; of them, those that were held
 * first go on to finish the message they have begun, as far as that has room below the bound, so that no two wait for each
 * other. At the bound the largest are closed.
 */
export class MemoryGuard {
  readonly use = new MemoryUse();
  /** Apart from those of clients: no client is held for a handshake. */
  readonly handshakes = new MemoryUse();
  readonly #context: GuardedReactor;
  readonly #limits: MemoryLimits;
  /** In the order in which they were held. */
  readonly #held = new Set<Client>();
  /** Those that were let go to finish a message, with the bytes of it that they had when that was looked at last. */
  readonly #finishing = new Map<Client, number>();
  readonly #release = () => this.#releaseSome();
  #releasing = false;
  #published = 0;
  /** What the clients of other reactors hold, when that was looked at last; and from where on this one is to look again. */
  #others = 0;
  #stopAbove: number;
  /** When all clients were looked at last, and those that are held; when one was let go last, or none was held. */
  #pressedAt = 0;
  #lookedAt = 0;
  #movedAt = 0;
  /** The most that was held since memory was given back. */
  #peak = 0;
  #givingBack = false;
  #timer = 0;

  constructor(context: GuardedReactor, limits: MemoryLimits) {
    this.#context = context;
    this.#limits = limits;
    this.#stopAbove = limits.clientMemoryHighWatermark;
  }

  /** At the end of each turn. */
  check(): void {
    const bytes = this.#bytes;
    if (bytes === this.#published) return;
    const grows = bytes > this.#published;
    this.#published = bytes;
    this.#context.counters.set(MEMORY, bytes);
    if (bytes > this.#peak) this.#peak = bytes;
    else if (this.#peak - bytes >= WORTH_GIVING_BACK && bytes * 2 < this.#peak) this.#giveBackSoon();
    if (grows || this.#held.size > 0) this.#look();
  }

  forget(client: Client): void {
    this.#held.delete(client);
    this.#finishing.delete(client);
  }

  /** Whether clients hold so little that what they need no more may be kept of them. */
  get hasRoom(): boolean {
    return this.#bytes <= this.#stopAbove;
  }

  /** Bytes of clients and handshakes of this reactor. */
  get #bytes(): number {
    return this.use.bytes + this.handshakes.bytes;
  }

  /** Bytes of all clients of the server. */
  get #total(): number {
    const { allCounters, data } = this.#context;
    const most = this.#limits.maxClientMemory * BEYOND;
    return this.#published + allCounters.ofOtherReactors(data.index, MEMORY, most);
  }

  /**
   * Whether more may be read from `client` now, in the middle of a turn: what one turn can bring is more than the bound. Above the
   * mark those go on that hold little or finish a message, beyond the bound none; if not, it is held.
   */
  admits(client: Client): boolean {
    if (this.#bytes <= this.#stopAbove) return true;
    const { maxClientMemory, clientMemoryHighWatermark } = this.#limits;
    const total = this.#bytes + this.#others;
    if (total <= maxClientMemory) {
      if (total <= clientMemoryHighWatermark || this.#finishing.has(client)) return true;
      if (client.memoryBytes <= SMALL) return true;
    }
    this.#hold(client);
    return false;
  }

  #look(): void {
    const { maxClientMemory, clientMemoryHighWatermark } = this.#limits;
    const total = this.#total;
    this.#others = total - this.#published;
    this.#stopAbove = clientMemoryHighWatermark - this.#others;
    if (total > clientMemoryHighWatermark) this.#press(total);
    if (total > maxClientMemory) this.#closeLargest(total);
    if (this.#held.size === 0 && this.#finishing.size === 0) return;
    if (total < clientMemoryHighWatermark * LOW) {
      this.#finishing.clear();
      this.#releaseSoon();
    } else this.#letFinish(total);
    this.#arm();
  }

  /** Those that hold more than the average are not read from. */
  #press(total: number): void {
    const now = performance.now();
    if (now - this.#pressedAt < LOOK_EVERY_MS && total <= this.#limits.maxClientMemory) return;
    this.#pressedAt = now;
    const holders = this.#holders();
    const average = this.use.bytes / Math.max(1, holders.length);
    for (const client of holders)
      if (client.memoryBytes >= average && !this.#finishing.has(client)) this.#hold(client);
  }

  #hold(client: Client): void {
    if (this.#held.has(client)) return;
    if (this.#held.size === 0) this.#movedAt = performance.now();
    this.#finishing.delete(client);
    this.#held.add(client);
    this.#context.count(MEMORY_HOLDS, 1);
    client.pauseFor(PAUSE_MEMORY);
    this.#arm();
  }

  /** Own clients that hold more than a little. */
  #holders(): Client[] {
    return this.#context.clients.all().filter(({ memoryBytes }) => memoryBytes > SMALL);
  }

  /** Those that were held first go on to finish a message, as far as there is room for it; those that hold little go on anyway. */
  #letFinish(total: number): void {
    const now = performance.now();
    if (now - this.#lookedAt < LOOK_EVERY_MS) return;
    this.#lookedAt = now;
    const { maxClientMemory } = this.#limits;
    let room = maxClientMemory * (1 - FREED) - total;
    for (const [client, had] of this.#finishing) {
      const { inputBytes } = client.connection;
      if (inputBytes < had) this.#finishing.delete(client);
      else {
        this.#finishing.set(client, inputBytes);
        room -= this.#missing(client);
      }
    }
    for (const client of this.#held) {
      const { memoryBytes } = client;
      const { inputBytes } = client.connection;
      // One that has begun nothing finishes nothing: room kept for it would never be given back.
      if (inputBytes > 0) room -= this.#missing(client);
      if (inputBytes > 0 && room >= 0) this.#finishing.set(client, inputBytes);
      else if (memoryBytes > SMALL || total > maxClientMemory) continue;
      this.#letGo(client);
    }
  }

  /** Bytes that the message which `client` has begun may still bring. */
  #missing({ connection, listener, http }: Client): number {
    const { missingBytes, inputBytes } = connection;
    if (missingBytes > 0) return missingBytes;
    const most = http === undefined ? this.#context.port(listener).packageMaxLength : MAX_KEPT_HEAD;
    return Math.max(0, most - inputBytes);
  }

  #closeLargest(total: number): void {
    const { maxClientMemory } = this.#limits;
    // It is for the others where they hold more; one of all has at least its part of the bound.
    const { allCounters, data } = this.#context;
    if (this.#bytes * reactorsAtWork(data.topology, allCounters) < maxClientMemory) return;
    const enough = this.#bytes - (total - maxClientMemory * (1 - FREED));
    for (const client of this.#largestFirst()) {
      if (this.#bytes <= enough) return;
      this.#close(
        client,
        `all clients together hold ${total} bytes, more than maxClientMemory (${maxClientMemory})`,
      );
    }
  }

  #largestFirst(): Client[] {
    return this.#holders().sort((a, b) => b.memoryBytes - a.memoryBytes);
  }

  #close(client: Client, why: string): void {
    const { memoryBytes } = client;
    this.#context.count(MEMORY_CLOSES, 1);
    this.#context.log('memory', `Closed session ${client.session}, which holds ${memoryBytes} bytes: ${why}`);
    client.ensureRare().closedFor = 'memory';
    client.connection.destroy();
    this.#movedAt = performance.now();
  }

  #letGo(client: Client): void {
    this.#held.delete(client);
    this.#movedAt = performance.now();
    client.resumeFor(PAUSE_MEMORY);
  }

  #releaseSoon(): void {
    if (this.#releasing || this.#held.size === 0) return;
    this.#releasing = true;
    this.#context.reactor.defer(this.#release);
  }

  #releaseSome(): void {
    this.#releasing = false;
    let left = RELEASED_AT_ONCE;
    for (const client of this.#held) {
      if (this.#total >= this.#limits.clientMemoryHighWatermark * LOW) return;
      if (left-- === 0) return this.#releaseSoon();
      this.#letGo(client);
    }
  }

  /** Checks from time to time as long as a client is held: what others release, or do not, changes nothing here. */
  #arm(): void {
    if (this.#timer !== 0 || (this.#held.size === 0 && this.#finishing.size === 0)) return;
    this.#timer = this.#context.reactor.timers.after(CHECK_MS, () => {
      this.#timer = 0;
      this.#closeStuck();
      this.#look();
      this.#arm();
    });
  }

  #closeStuck(): void {
    const { clientMemoryTimeout, clientMemoryHighWatermark } = this.#limits;
    if (this.#total < clientMemoryHighWatermark * LOW) return;
    if (performance.now() - this.#movedAt < clientMemoryTimeout) return;
    const [largest] = this.#largestFirst();
    if (largest === undefined) return;
    const why = `nothing of what all clients hold was let go for clientMemoryTimeout (${clientMemoryTimeout} ms)`;
    this.#close(largest, why);
    // The next one follows at once where that is not enough.
    this.#movedAt -= clientMemoryTimeout;
  }

  #giveBackSoon(): void {
    if (this.#givingBack) return;
    this.#givingBack = true;
    this.#context.reactor.timers.after(GIVE_BACK_AFTER_MS, () => {
      this.#givingBack = false;
      this.#peak = this.#bytes;
      giveBack(this.#context.reactor);
    });
  }
}

import type {
  Claim,
  EngineCounts,
  EngineTask,
  Fate,
  HostReport,
  Renewal,
  Reply,
  Settled,
  Settlement,
} from './task.js';

/**
 * An engine that brings tasks from callers to hosts: what `bullmq()` and `jetStream()` make. Everything that callers and hosts
 * have in common whatever the engine is above this seam; everything below it is one engine's. The README has the contract, and
 * `@millrace/task-broker/contract` the tests of it.
 */
/** What engines may lack. */
export type EngineFeature = 'priority';

export interface TaskEngine {
  /** For messages and statistics: `'BullMQ'`. */
  readonly name: string;
  /** Tasks that ask for one of these are refused. */
  readonly lacks: readonly EngineFeature[];
  caller(): CallerBroker;
  host(): HostBroker;
  /** How another process makes the same engine: a module with an export `taskEngine`, and what that is called with. */
  readonly recipe: EngineRecipe;
}

export interface EngineRecipe {
  /** A `file:` URL. */
  readonly module: string;
  /** Plain data. */
  readonly options: unknown;
}

/** What both ends hear of their connection. */
export interface ConnectionEvents {
  /** Connected, for the first time or again. What was said meanwhile may be lost: look. */
  connected(): void;
  /** The connection is lost, and will be made again with back-off; once for each time. */
  away(error: Error): void;
}

export interface CallerEvents extends ConnectionEvents {
  replied(reply: Reply): void;
}

/** A caller's connection to an engine. Every method but `open` rejects with `ERR_MILLRACE_TASK_ENGINE_AWAY` while it is away. */
export interface CallerBroker {
  /** Where replies reach this caller; unique. */
  readonly address: string;
  /** Connects, for as long as it takes. Rejects when the engine is too old, or its settings would lose tasks. */
  open(events: CallerEvents): Promise<void>;
  /** Milliseconds of the engine's clock. */
  now(): number;
  /**
   * Resolves when the engine has the task, with the id under which it has it: another one where it knew a task of the same
   * `idempotencyKey`. Enqueueing what it has already changes nothing.
   */
  enqueue(task: EngineTask): Promise<string>;
  /** Takes a waiting task back; a running one is told to its host. */
  cancel(id: string): Promise<void>;
  /** The caller of a stream takes `total` results in all. */
  credit(host: string, id: string, total: number): Promise<void>;
  /** What has become of tasks, by index. */
  lookUp(ids: readonly string[]): Promise<Fate[]>;
  counts(): Promise<EngineCounts>;
  /** Whether the connection keeps the process alive. */
  keepLoop(on: boolean): void;
  close(): Promise<void>;
}

export interface HostEvents extends ConnectionEvents {
  cancelled(id: string): void;
  credited(id: string, total: number): void;
  /** A claim of some host was not renewed in time, and its task is free again. */
  stalled(id: string): void;
}

/** A host's connection to an engine. Methods wait while the engine is away, unless they say otherwise. */
export interface HostBroker {
  /** Unique. */
  readonly address: string;
  /** Milliseconds between two renewals of a claim. */
  readonly renewEvery: number;
  open(events: HostEvents): Promise<void>;
  now(): number;
  /**
   * The next task; undefined when `signal` is aborted, unless one is under way to here by then. Several may wait at a time, and a host
   * that ends asks until there is none.
   */
  claim(signal: AbortSignal): Promise<Claim | undefined>;
  /** Keeps claims; says which are lost, and which are cancelled. Rejects while the engine is away. */
  renew(claims: readonly Claim[]): Promise<Renewal>;
  /**
   * Ends a claim; `another`: a next task is wanted, if one waits. `answer` goes to the caller when the claim was held until then, and
   * else nowhere. It may be lost where the connection breaks: the caller looks it up.
   */
  settle(claim: Claim, settlement: Settlement, another: boolean, answer?: Reply): Promise<Settled>;
  /** Sends one of several results to the caller; to one that has gone, nothing. */
  reply(claim: Claim, reply: Reply): Promise<void>;
  /** Sends a report; false: it was dropped, since the engine does not keep up. */
  progress(claim: Claim, reply: Reply): boolean;
  report(report: HostReport): Promise<void>;
  /** Claims nothing more from here on. */
  close(): Promise<void>;
}

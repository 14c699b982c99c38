import { type Channel, channel } from 'node:diagnostics_channel';
import { type Distribution, DurationHistogram } from '@millrace/task-pool/internal';
import type { EngineCounts } from '../engine/task.js';

/** What a pool over an engine knows of it; a part of the pool's `stats()`. */
export interface RemoteStats {
  readonly engine: string;
  /** Whether the engine is connected now, and how often it was lost. */
  readonly connected: boolean;
  readonly disconnects: number;
  /** Tasks that the engine has acknowledged and that have no answer yet. */
  readonly awaited: number;
  /** Milliseconds from the call to the answer. */
  readonly latency: Distribution;
  /** Answers that had to be looked up, since no reply brought them. */
  readonly lookedUp: number;
  /** Tasks that the engine had lost, and that were enqueued anew or rejected. */
  readonly lost: number;
  /** What the engine said of its queue when it was last asked, at most a few seconds ago; undefined: not yet. */
  readonly queue: EngineCounts | undefined;
}

/** State changes of the connection, each published with `{ engine, error }`. */
export const CONNECTION: { readonly connected: Channel; readonly away: Channel } = {
  connected: channel('millrace:broker:connected'),
  away: channel('millrace:broker:away'),
};

export class RemoteStatistics {
  connected = false;
  disconnects = 0;
  lookedUp = 0;
  lost = 0;
  queue: EngineCounts | undefined;
  readonly latency = new DurationHistogram();

  snapshot(engine: string, awaited: number): RemoteStats {
    const { connected, disconnects, lookedUp, lost, queue } = this;
    return {
      engine,
      connected,
      disconnects,
      awaited,
      latency: this.latency.summary(),
      lookedUp,
      lost,
      queue,
    };
  }
}

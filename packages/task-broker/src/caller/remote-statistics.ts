import { type Channel, channel } from 'node:diagnostics_channel';
import { DurationHistogram, type EngineCounts, type RemoteStats } from '@millrace/task-pool/internal';

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

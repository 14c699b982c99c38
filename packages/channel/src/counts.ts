import type { ChannelStats } from './channel.js';

/** What a channel counts, beside what waits in it. */
export class Counts implements Omit<ChannelStats, 'queuedBytes' | 'queuedMessages'> {
  sent = 0;
  sentBytes = 0;
  received = 0;
  receivedBytes = 0;
  bad = 0;
  congestions = 0;
}

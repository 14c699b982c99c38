import { until } from '@millrace/testkit';
import { SAME_SIGNAL_MS } from '../src/constants.js';
import type { RunningServer } from './support.js';

/** Sends the signal to the master once more, when it can no longer be a copy of the one before. */
export async function again({ program }: RunningServer, signal: NodeJS.Signals): Promise<void> {
  const seenAt = performance.now();
  await until('no copy of the first', () => performance.now() - seenAt > SAME_SIGNAL_MS);
  program.kill(signal);
}

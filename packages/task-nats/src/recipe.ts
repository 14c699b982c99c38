/** How a broker process makes the engine: what the pool's process has told it. */
import type { TaskEngine } from '@millrace/task-broker';
import { engineOf } from './engine.js';
import type { ResolvedJetStreamOptions } from './options.js';

export function taskEngine(options: unknown): TaskEngine {
  return engineOf(options as ResolvedJetStreamOptions);
}

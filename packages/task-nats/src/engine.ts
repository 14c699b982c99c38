import type { TaskEngine } from '@millrace/task-broker';
import { JetStreamCaller } from './caller.js';
import { JetStreamHost } from './host.js';
import type { ResolvedJetStreamOptions } from './options.js';

const RECIPE = new URL('./recipe.js', import.meta.url);

export function engineOf(options: ResolvedJetStreamOptions): TaskEngine {
  return {
    name: 'NATS JetStream',
    lacks: ['priority'],
    recipe: { module: RECIPE.href, options },
    caller: () => new JetStreamCaller(options),
    host: () => new JetStreamHost(options),
  };
}

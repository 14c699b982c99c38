import type { TaskEngine } from '@millrace/task-broker';
import { BullmqCaller } from './caller.js';
import { BullmqHost } from './host.js';
import type { ResolvedBullmqOptions } from './options.js';

const RECIPE = new URL('./recipe.js', import.meta.url);

export function engineOf(options: ResolvedBullmqOptions): TaskEngine {
  return {
    name: 'BullMQ',
    lacks: [],
    recipe: { module: RECIPE.href, options },
    caller: () => new BullmqCaller(options),
    host: () => new BullmqHost(options),
  };
}

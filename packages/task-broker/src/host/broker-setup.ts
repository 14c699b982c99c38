import type { TaskPoolEvents } from '@millrace/task-pool';
import type { EngineRecipe } from '../engine/engine.js';
import type { HostStats, ServeOptions } from './host-options.js';

/** What a broker process is started with. */
export interface BrokerSetup {
  readonly recipe: EngineRecipe;
  readonly module: string;
  readonly options: Omit<ServeOptions, 'engine'>;
  readonly drain: number;
}

type PoolEvent = Exclude<keyof TaskPoolEvents, 'drain'>;

/** What a broker process tells the pool that started it. */
export type BrokerMessage =
  | { readonly type: 'event'; readonly name: PoolEvent; readonly details: unknown }
  | { readonly type: 'stats'; readonly stats: HostStats }
  | { readonly type: 'refused'; readonly message: string; readonly code: string };

import type { HostRecipe } from '@millrace/task-pool/internal';
import type { EngineRecipe } from '../engine/engine.js';

/** What `openHost` is called with. */
export interface HostOptions {
  readonly recipe: EngineRecipe;
  readonly valueLimit: number;
  /** Milliseconds for running tasks to end, where that is to be less than the server gives. */
  readonly drain: number | undefined;
}

export function hostRecipe(recipe: EngineRecipe, valueLimit: number, drain: number | undefined): HostRecipe {
  const options: HostOptions = { recipe, valueLimit, drain };
  return { module: new URL('./open-host.js', import.meta.url).href, options, loads: [recipe.module] };
}

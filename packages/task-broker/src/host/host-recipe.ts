import type { HostRecipe } from '@millrace/task-pool/internal';
import type { EngineRecipe } from '../engine/engine.js';

/** What `openHost` is called with. */
export interface HostOptions {
  readonly recipe: EngineRecipe;
  readonly valueLimit: number;
}

export function hostRecipe(recipe: EngineRecipe, valueLimit: number): HostRecipe {
  const options: HostOptions = { recipe, valueLimit };
  return { module: new URL('./open-host.js', import.meta.url).href, options, loads: [recipe.module] };
}

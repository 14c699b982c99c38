import type { Service } from '../contract/service.js';
import { modulesOf } from './services-of.js';

/**
 * What a service has loaded, by URL. Even a module that is loaded is looked for in the file system when it is imported again, and there is
 * none below another root directory, nor for a user who may not read it.
 */
const loaded = new Map<string, unknown>();

/** Loads the modules of a service. To be called before this process changes its root directory or its user. */
export async function loadModules(service: Service): Promise<void> {
  for (const module of modulesOf(service)) loaded.set(module, await import(module));
}

/** One of the modules that {@link loadModules} has loaded. */
export function loadedModule<T>(module: string): T {
  if (!loaded.has(module)) throw new Error(`The module ${module} is none of this service.`);
  return loaded.get(module) as T;
}

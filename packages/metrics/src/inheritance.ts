/**
 * For what starts processes and hands them descriptors: the memory of a registry goes the same way, to processes that may not look at
 * their parent in /proc, for they run as another user or below another root directory.
 *
 * ```ts
 * import { registryDescriptors, takeRegistries } from '@millrace/metrics/inheritance';
 *
 * start(child, { descriptors: registryDescriptors() });   // by name
 * takeRegistries(descriptorsByName);                      // in the child, before it changes its user
 * ```
 *
 * Loads nothing else of the package.
 *
 * @packageDocumentation
 */
import { readSources, writeSources } from './registry/sources.js';

/** The descriptors of the registries that this process has open for those below it, by the names of these. */
export function registryDescriptors(): Map<string, number> {
  const own = [...readSources()].filter(([, { pid }]) => pid === process.pid);
  return new Map(own.map(([name, { fd }]) => [name, fd]));
}

/**
 * From here on registries of these names are found by these descriptors of this process, which have to stay open. A name that the
 * environment does not have is left out: it says which memory that is.
 */
export function takeRegistries(descriptors: ReadonlyMap<string, number>): void {
  const sources = readSources();
  for (const [name, { id }] of [...sources]) {
    const fd = descriptors.get(name);
    if (fd !== undefined) sources.set(name, { pid: process.pid, fd, id });
  }
  if (descriptors.size > 0) writeSources(sources);
}

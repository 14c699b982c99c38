import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { registryDescriptors, takeRegistries } from '@millrace/metrics/inheritance';
import { type Descriptors, registryName, registryOf } from '../links/descriptor-names.js';

/**
 * The metrics of the program that a server runs, which its processes count in one memory. The master hands that down as it does other
 * memory: a process of another user, or of another root directory, could not find it by /proc.
 */

/**
 * In the master, before it starts a process: makes the memory where the program has `@millrace/metrics` and has not made it. Its workers
 * find it then, and so do those that replace them. `file`: the program's entry module.
 */
export async function shareRegistry(file: string): Promise<void> {
  const path = resolved(file, '@millrace/metrics');
  if (path === undefined) return;
  const { register } = (await import(pathToFileURL(path).href)) as typeof import('@millrace/metrics');
  register.share();
}

/** In the master: what it hands down. */
export function ownRegistries(): Descriptors {
  return Object.fromEntries([...registryDescriptors()].map(([name, fd]) => [registryName(name), fd]));
}

/** Those among the descriptors that a process was handed, to hand on. */
export function handedRegistries(descriptors: ReadonlyMap<string, number>): Descriptors {
  return Object.fromEntries([...descriptors].filter(([name]) => registryOf(name) !== undefined));
}

/** In a process below the master, before the program makes a metric or the process changes its user. */
export function useRegistries(descriptors: ReadonlyMap<string, number>): void {
  takeRegistries(
    new Map(
      [...descriptors].flatMap(([name, fd]) => {
        const registry = registryOf(name);
        return registry === undefined ? [] : [[registry, fd] as const];
      }),
    ),
  );
}

function resolved(file: string, name: string): string | undefined {
  try {
    return createRequire(file).resolve(name);
  } catch {
    // The program does without.
    return undefined;
  }
}

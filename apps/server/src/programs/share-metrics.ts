import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

/**
 * Makes the memory of a program's metrics in the master, where it has `@millrace/metrics`: its workers find it there, and so do those
 * that replace them. Otherwise each would make one of its own, for the program runs in none of the processes above them.
 */
export async function shareMetrics(file: string): Promise<void> {
  const path = resolved(file, '@millrace/metrics');
  if (path === undefined) return;
  const { register } = (await import(pathToFileURL(path).href)) as typeof import('@millrace/metrics');
  register.share();
}

function resolved(file: string, name: string): string | undefined {
  try {
    return createRequire(file).resolve(name);
  } catch {
    // The program does without.
    return undefined;
  }
}

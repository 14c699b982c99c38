import { statSync } from 'node:fs';

/** What is another when a file is written. */
export function stateOf(file: string): string {
  try {
    const { ino, size, mtimeMs } = statSync(file);
    return `${ino} ${size} ${mtimeMs}`;
  } catch (error) {
    // It is not there, behind links that lead nowhere, or in a directory that is closed: the server goes on all the same.
    return `${(error as NodeJS.ErrnoException).code}`;
  }
}

import { fileURLToPath } from 'node:url';

/** The file of a module of the program, by its path or URL; undefined for what is no file, or a package's. */
export function fileOf(place: string): string | undefined {
  if (!place.startsWith('file:') && !place.startsWith('/')) return undefined;
  const file = place.startsWith('/') ? place : fileURLToPath(place.replace(/[?#].*$/, ''));
  return file.includes('/node_modules/') ? undefined : file;
}

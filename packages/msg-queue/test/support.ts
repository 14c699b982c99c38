import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** The files of payloads below a spill directory, by their paths in it. */
export function payloads(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => readdirSync(join(directory, name)).map((file) => join(name, file)));
}

let keys = 0;

/** A System V key that no other test process uses. */
export function testKey(): number {
  return 0x4d000000 + ((process.pid & 0x3fff) << 10) + keys++;
}

let names = 0;

/** A name that no other test process uses. */
export function testName(): string {
  return `/millrace-test-${process.pid}-${names++}`;
}

/** Numbers from 0 to 1 that a seed determines: mulberry32. */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

import { randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LargeValueStore } from '../wire/bodies.js';

/** A directory that callers and hosts share, as the store of large values: enough for one machine, and for an example. */
export const fileStore: LargeValueStore = {
  async put(bytes) {
    const name = `millrace-value-${randomUUID()}`;
    await writeFile(join(tmpdir(), name), bytes, { flag: 'wx', mode: 0o600 });
    return name;
  },
  get: (name) => readFile(join(tmpdir(), name)),
};

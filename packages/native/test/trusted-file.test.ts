/** Files that output is added to, by paths in which other users may have made names first. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  closeSync,
  lchownSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openForAppending } from '../src/internal.js';

/** Another user of the machine. */
const OTHER = 65_534;
const isRoot = process.getuid?.() === 0;
const REFUSED = expect.objectContaining({ code: 'ERR_MILLRACE_UNTRUSTED' });

let place: string;
let secrets: string;
let theirs: string;
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'millrace-trusted-'));
  chmodSync(place, 0o755);
  secrets = join(place, 'secrets');
  mkdirSync(secrets, { mode: 0o700 });
  theirs = join(place, 'theirs');
  mkdirSync(theirs);
  if (isRoot) chownSync(theirs, OTHER, OTHER);
});
afterEach(() => rmSync(place, { recursive: true, force: true }));

function linkOfOther(target: string, path: string): void {
  symlinkSync(target, path);
  lchownSync(path, OTHER, OTHER);
}

function append(path: string, text = 'line\n', trustedUsers?: readonly number[]): void {
  const fd = openForAppending(path, trustedUsers && { trustedUsers });
  writeSync(fd, text);
  closeSync(fd);
}

describe.runIf(isRoot)('another user’s', () => {
  test('directory or link on the way leads to no place that is not that user’s, also where the user is trusted', () => {
    const inShared = join(place, 'shared');
    mkdirSync(inShared);
    chmodSync(inShared, 0o1777);
    writeFileSync(join(secrets, 'log'), 'root’s\n');
    linkOfOther(secrets, join(theirs, 'absolute'));
    linkOfOther('../secrets', join(theirs, 'relative'));
    linkOfOther('absolute/../secrets', join(theirs, 'twice'));
    linkOfOther('../secrets', join(inShared, 'shared'));
    linkOfOther('../secrets/log', join(theirs, 'last'));
    linkOfOther('../secrets/new', join(theirs, 'made'));
    const paths = ['absolute/log', 'absolute/new', 'relative/log', 'twice/log', 'last', 'made'].map((name) =>
      join(theirs, name),
    );
    for (const path of [...paths, join(inShared, 'shared/log')]) {
      expect(() => append(path)).toThrow(REFUSED);
      expect(() => append(path, 'line\n', [OTHER])).toThrow(REFUSED);
    }
    expect(readdirSync(secrets)).toEqual(['log']);
    expect(readFileSync(join(secrets, 'log'), 'utf8')).toBe('root’s\n');
  });

  test('link to a directory of that user is followed, as a release that is current', () => {
    mkdirSync(join(theirs, 'release'));
    chownSync(join(theirs, 'release'), OTHER, OTHER);
    linkOfOther('release', join(theirs, 'current'));
    append(join(theirs, 'current/log'));
    expect(readFileSync(join(theirs, 'release/log'), 'utf8')).toBe('line\n');
  });

  test('second name for a file of root’s is refused, also where it comes and goes meanwhile', async () => {
    const secret = join(secrets, 'secret');
    writeFileSync(secret, 'root’s\n');
    const path = join(theirs, 'log');
    linkSync(secret, path);
    expect(() => append(path)).toThrow(REFUSED);
    rmSync(path);
    const racer = new Worker(
      `const fs = require('node:fs');
       require('node:worker_threads').parentPort.postMessage('begins');
       const { secret, path } = require('node:worker_threads').workerData;
       for (;;) {
         try { fs.linkSync(secret, path); } catch {}
         try { fs.unlinkSync(path); } catch {}
       }`,
      { eval: true, workerData: { secret, path } },
    );
    try {
      await once(racer, 'message');
      const deadline = performance.now() + 10_000;
      let refused = 0;
      for (let turn = 0; turn < 60_000 || (refused === 0 && performance.now() < deadline); turn++) {
        try {
          append(path);
        } catch (error) {
          expect(['ERR_MILLRACE_UNTRUSTED', 'EBUSY', 'ELOOP', 'ENOENT']).toContain(
            (error as NodeJS.ErrnoException).code,
          );
          refused++;
        }
      }
      expect(refused).toBeGreaterThan(0);
    } finally {
      await racer.terminate();
    }
    expect(readFileSync(secret, 'utf8')).toBe('root’s\n');
  });
});

test('this user’s links are followed to the end, also in circles, through .. and below /proc', () => {
  const real = join(place, 'real');
  mkdirSync(real);
  symlinkSync('real', join(place, 'link'));
  symlinkSync('../link/log', join(real, 'first'));
  append(join(place, 'link/first'));
  append(join(place, 'link/../link/log'));
  append(relative(process.cwd(), join(real, 'log')));
  expect(readFileSync(join(real, 'log'), 'utf8')).toBe('line\nline\nline\n');
  symlinkSync('circle', join(place, 'circle'));
  expect(() => append(join(place, 'circle'))).toThrow(expect.objectContaining({ code: 'ELOOP' }));
  expect(() => append(join(place, 'circle/log'))).toThrow(expect.objectContaining({ code: 'ELOOP' }));
  expect(() => append(join(real, 'log/log'))).toThrow(expect.objectContaining({ code: 'ENOTDIR' }));
  expect(() => append(join(place, 'none/log'))).toThrow(
    expect.objectContaining({
      code: 'ENOENT',
      message: expect.stringContaining('no such file or directory'),
    }),
  );
  expect(() => append(place)).toThrow(expect.objectContaining({ code: 'EISDIR' }));
  expect(() => append('/')).toThrow(expect.objectContaining({ code: 'EISDIR' }));
});

test('standard output has a name whose last link no path can tell: a pipe', () => {
  const program = `
    import { writeSync } from 'node:fs';
    import { openForAppending } from '${new URL('../dist/internal.js', import.meta.url)}';
    for (const name of ['/dev/stdout', '/proc/self/fd/1', '/dev/fd/1']) writeSync(openForAppending(name), name + '\\n');`;
  const output = execFileSync(
    'sh',
    ['-c', '"$0" --input-type=module -e "$1" | cat', process.execPath, program],
    {
      encoding: 'utf8',
    },
  );
  expect(output).toBe('/dev/stdout\n/proc/self/fd/1\n/dev/fd/1\n');
});

test('a file that is replaced again and again is opened all the same, by no name but its own', async () => {
  const path = join(place, 'log');
  chmodSync(place, 0o1777);
  writeFileSync(path, '');
  const racer = new Worker(
    `const fs = require('node:fs');
       require('node:worker_threads').parentPort.postMessage('begins');
     const path = require('node:worker_threads').workerData;
     for (let n = 0; ; n++) { fs.renameSync(path, path + '.1'); fs.writeFileSync(path, ''); }`,
    { eval: true, workerData: path },
  );
  try {
    await once(racer, 'message');
    for (let turn = 0; turn < 1_000; turn++) append(path, '');
  } finally {
    await racer.terminate();
  }
});

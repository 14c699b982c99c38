import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { UntrustedError } from '../src/index.js';
import { openForAppending, PrivateDirectory } from '../src/internal.js';
import { ENOENT, syscalls } from '../src/syscalls.js';

/** Another user of the machine. */
const OTHER = 65_534;
const isRoot = process.getuid?.() === 0;

let place: string;
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'millrace-private-'));
});
afterEach(() => rmSync(place, { recursive: true, force: true }));

const open: PrivateDirectory[] = [];
afterEach(() => {
  for (const directory of open.splice(0)) directory.close();
});

function directoryAt(path = join(place, PrivateDirectory.newName('own-')), owner?: number) {
  const directory = new PrivateDirectory(path, owner);
  open.push(directory);
  return directory;
}

function put(directory: PrivateDirectory, name: string, text: string): void {
  directory.write(name, Buffer.from(text));
}

test('is for this user alone, and so is each file', () => {
  const before = process.umask(0);
  const directory = directoryAt();
  try {
    put(directory, 'value', 'text');
  } finally {
    process.umask(before);
  }
  expect(statSync(directory.path).mode & 0o777).toBe(0o700);
  expect(statSync(join(directory.path, 'value')).mode & 0o777).toBe(0o600);
  const fd = directory.open('value');
  expect(readFileSync(fd, 'utf8')).toBe('text');
  closeSync(fd);
  expect(directory.list()).toEqual(['value']);
  expect([directory.unlink('value'), directory.unlink('value')]).toEqual([true, false]);
  expect(directory.removeEmpty()).toBe(true);
  expect(readdirSync(place)).toEqual([]);
});

test('lists more files than one system call tells', () => {
  const directory = directoryAt();
  const names = Array.from({ length: 1_500 }, (_, i) => `a-file-with-a-rather-long-name-${i}`);
  for (const name of names) put(directory, name, '');
  expect(directory.list().sort()).toEqual(names.sort());
  expect(directory.removeFiles((name) => name.endsWith('7'))).toBe(150);
  directory.remove();
  expect(existsSync(directory.path)).toBe(false);
});

test('its name cannot be guessed, and only such a name is found again', () => {
  const [first, second] = [PrivateDirectory.newName('own-'), PrivateDirectory.newName('own-')];
  expect(first).toMatch(/^own-[0-9a-f]{32}$/);
  expect(first).not.toBe(second);
  mkdirSync(join(place, 'own-guessed'), { mode: 0o700 });
  mkdirSync(join(place, `own-longer-${'0'.repeat(32)}`), { mode: 0o700 });
  expect(PrivateDirectory.find(place, 'own-')).toBeUndefined();
  mkdirSync(join(place, second), { mode: 0o700 });
  expect(PrivateDirectory.find(place, 'own-')).toBe(join(place, second));
});

test('is made anew when something has removed it, also while it is open elsewhere', () => {
  const [writer, reader] = [directoryAt(), directoryAt()];
  const same = directoryAt(writer.path);
  put(writer, 'first', '1');
  closeSync(same.open('first'));
  rmSync(writer.path, { recursive: true });
  expect(same.list()).toEqual([]);
  closeSync(writer.create('third'));
  closeSync(same.open('third'));
  rmSync(writer.path, { recursive: true });
  put(writer, 'second', '2');
  const fd = same.open('second');
  expect(readFileSync(fd, 'utf8')).toBe('2');
  closeSync(fd);
  expect(() => reader.open('none')).toThrow(expect.objectContaining({ errno: ENOENT }));
});

test('what is taken has been written whole, and is gone before it is seen, also where its size is refused', () => {
  const [writer, large] = [directoryAt(), Buffer.alloc(1 << 20, 7)];
  const reader = directoryAt(writer.path);
  writer.write('parts', Buffer.from('head '), Buffer.alloc(0), large);
  const isThere = () => existsSync(join(writer.path, 'parts'));
  const checked: unknown[] = [];
  const bytes = reader.take('parts', (size) => checked.push(size, isThere()));
  expect(bytes.equals(Buffer.concat([Buffer.from('head '), large]))).toBe(true);
  expect(checked).toEqual([5 + large.length, false]);
  expect(() => reader.take('parts')).toThrow(expect.objectContaining({ errno: ENOENT }));
  put(writer, 'parts', 'short');
  const refuse = (size: number) => {
    throw new RangeError(`${size} bytes`);
  };
  expect(() => reader.take('parts', refuse)).toThrow(new RangeError('5 bytes'));
  expect(isThere()).toBe(false);
  put(writer, 'empty', '');
  expect(reader.take('empty')).toHaveLength(0);
});

test('follows no link, waits for no FIFO, and leaves no directory', () => {
  const secret = join(place, 'secret');
  writeFileSync(secret, 'not yours');
  const directory = directoryAt();
  directory.make();
  symlinkSync(secret, join(directory.path, 'link'));
  execFileSync('mkfifo', [join(directory.path, 'fifo')]);
  mkdirSync(join(directory.path, 'inner'));
  expect(() => directory.open('link')).toThrow(expect.objectContaining({ errnoName: 'ELOOP' }));
  for (const name of ['fifo', 'inner'])
    for (const use of ['open', 'take'] as const) expect(() => directory[use](name)).toThrow(UntrustedError);
  expect(() => directory.create('link')).toThrow(expect.objectContaining({ errnoName: 'EEXIST' }));
  for (const name of ['', '.', '..', '../secret', 'a/b', 'a\0b'])
    for (const use of ['open', 'create', 'write', 'take', 'unlink'] as const)
      expect(() => directory[use](name)).toThrow(expect.objectContaining({ errno: ENOENT }));
  directory.remove();
  expect(readdirSync(directory.path)).toEqual(['inner']);
  expect(readFileSync(secret, 'utf8')).toBe('not yours');
});

test('a link, a file or a wider mode in its place is refused, and what a link leads to stays', () => {
  const victim = join(place, 'victim');
  mkdirSync(victim, { mode: 0o700 });
  writeFileSync(join(victim, 'kept'), '');
  const linked = directoryAt();
  symlinkSync(victim, linked.path);
  const wide = directoryAt();
  mkdirSync(wide.path);
  chmodSync(wide.path, 0o750);
  const file = directoryAt();
  writeFileSync(file.path, '');
  for (const directory of [linked, wide, file]) {
    expect(() => put(directory, 'value', '')).toThrow(
      expect.objectContaining({ code: 'ERR_MILLRACE_UNTRUSTED' }),
    );
    expect(() => directory.remove()).toThrow(UntrustedError);
  }
  expect(readdirSync(victim)).toEqual(['kept']);
});

describe.runIf(isRoot)('what another user has made', () => {
  test('is not taken for this user’s directory, unless it is kept for that user', () => {
    const path = join(place, PrivateDirectory.newName('own-'));
    mkdirSync(path, { mode: 0o700 });
    writeFileSync(join(path, 'kept'), '');
    chownSync(path, OTHER, OTHER);
    const directory = directoryAt(path);
    const refusal = { code: 'ERR_MILLRACE_UNTRUSTED', owner: OTHER, object: expect.stringContaining(path) };
    for (const use of [
      () => put(directory, 'value', 'x'),
      () => directory.open('kept'),
      () => directory.remove(),
    ])
      expect(use).toThrow(
        expect.objectContaining({ ...refusal, message: expect.stringContaining('user 65534') }),
      );
    expect(readdirSync(path)).toEqual(['kept']);
    expect(PrivateDirectory.find(place, 'own-')).toBeUndefined();
    expect(PrivateDirectory.find(place, 'own-', OTHER)).toBe(path);
    directoryAt(path, OTHER).remove();
    expect(existsSync(path)).toBe(false);
  });

  test('is no name for a file of root’s, in a directory that is kept for that user', () => {
    const directory = directoryAt(undefined, OTHER);
    mkdirSync(directory.path, { mode: 0o700 });
    chownSync(directory.path, OTHER, OTHER);
    writeFileSync(join(place, 'secret'), 'root’s');
    linkSync(join(place, 'secret'), join(directory.path, 'value'));
    expect(() => directory.open('value')).toThrow(
      expect.objectContaining({ code: 'ERR_MILLRACE_UNTRUSTED', owner: 0 }),
    );
  });

  test('is no file of this user’s', () => {
    const directory = directoryAt();
    put(directory, 'theirs', 'x');
    chownSync(join(directory.path, 'theirs'), OTHER, OTHER);
    expect(() => directory.open('theirs')).toThrow(expect.objectContaining({ owner: OTHER }));
  });

  test('is no file that output is added to: neither a file, a link nor a FIFO', () => {
    const secret = join(place, 'secret');
    writeFileSync(secret, 'root’s');
    const file = join(place, 'file');
    writeFileSync(file, '');
    chownSync(file, OTHER, OTHER);
    const link = join(place, 'link');
    symlinkSync(secret, link);
    execFileSync('chown', ['-h', String(OTHER), link]);
    const fifo = join(place, 'fifo');
    execFileSync('mkfifo', [fifo]);
    chownSync(fifo, OTHER, OTHER);
    const refusal = expect.objectContaining({ code: 'ERR_MILLRACE_UNTRUSTED', owner: OTHER });
    for (const path of [file, link]) expect(() => openForAppending(path)).toThrow(refusal);
    expect(() => openForAppending(fifo)).toThrow(expect.objectContaining({ code: 'ENXIO' }));
    const read = syscalls.openAt(-100, fifo, 0o4000, 0);
    expect(() => openForAppending(fifo)).toThrow(refusal);
    closeSync(read);
    closeSync(openForAppending(file, { trustedUsers: [OTHER] }));
    expect(readFileSync(secret, 'utf8')).toBe('root’s');
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
  });
});

test('output is added to this user’s files, through this user’s links, and to devices', () => {
  const file = join(place, 'file');
  const link = join(place, 'link');
  symlinkSync(file, link);
  for (const path of [file, link]) {
    const fd = openForAppending(path);
    writeSync(fd, 'line\n');
    closeSync(fd);
  }
  linkSync(file, join(place, 'second name'));
  expect(readFileSync(file, 'utf8')).toBe('line\nline\n');
  closeSync(openForAppending('/dev/null'));
});

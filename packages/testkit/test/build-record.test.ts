import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { whyStale } from '../src/build-record.js';

const repository = fileURLToPath(new URL('../../..', import.meta.url));
const vitest = join(repository, 'node_modules/vitest/vitest.mjs');
const recordBuild = fileURLToPath(new URL('../dist/record-build.js', import.meta.url));

/** As good as a compiler here: each source becomes an output of its name. */
const BUILD = `mkdir -p dist dist-test
for file in $(cd src && ls); do cp src/$file dist/$(basename $file .ts).js; done
for file in $(cd test && ls); do cp test/$file dist-test/$(basename $file .ts).js; done`;

let top: string;
let user: string;
let used: string;

beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'millrace-build-'));
  user = join(top, 'packages/user');
  used = join(top, 'packages/used');
  for (const name of ['vitest', '@millrace/testkit']) {
    mkdirSync(dirname(join(top, 'node_modules', name)), { recursive: true });
    symlinkSync(join(repository, 'node_modules', name), join(top, 'node_modules', name));
  }
  symlinkSync(used, join(top, 'node_modules/used'));
  write(
    user,
    'package.json',
    '{ "name": "user", "scripts": { "build": "" }, "dependencies": { "used": "1" } }',
  );
  write(used, 'package.json', '{ "name": "used", "scripts": { "build": "" } }');
  for (const directory of [user, used]) {
    write(directory, 'src/index.ts', '1');
    write(directory, 'test/program.ts', '2');
    write(directory, 'test/some.test.ts', `import { test } from 'vitest'; test('passes', () => {});`);
    expect(build(directory).status).toBe(0);
  }
});

afterEach(() => rmSync(top, { recursive: true, force: true }));

function write(directory: string, path: string, text: string): void {
  mkdirSync(dirname(join(directory, path)), { recursive: true });
  writeFileSync(join(directory, path), text);
}

function build(directory: string, command = BUILD): { status: number | null; stderr: string } {
  return spawnSync(process.execPath, [recordBuild, command], { cwd: directory, encoding: 'utf8' });
}

test('a build is fresh until a source changes, comes or goes, and again once it is built', () => {
  expect(whyStale(user)).toBeUndefined();
  write(user, 'src/index.ts', '3');
  expect(whyStale(user)).toBe('user: src/index.ts has changed since its build');
  write(user, 'src/index.ts', '1');
  expect(whyStale(user)).toBeUndefined();
  write(user, 'test/other.ts', '');
  expect(whyStale(user)).toBe('user: test/other.ts is new since its build');
  build(user);
  expect(whyStale(user)).toBeUndefined();
  rmSync(join(user, 'test/other.ts'));
  expect(whyStale(user)).toBe('user: test/other.ts is gone since its build');
});

test('a package whose bundle has another one in it is stale when that one alone was built', () => {
  write(user, 'dist/bundle.json', '{ "packages": { "user": "1", "used": "1" } }');
  build(user);
  expect(whyStale(user)).toBeUndefined();
  write(used, 'src/index.ts', '3');
  build(used);
  expect(whyStale(user)).toBe('user: used has changed since it was put into its bundle');
  build(user);
  expect(whyStale(user)).toBeUndefined();
});

test('the sources of a package that it depends on count, its tests do not', () => {
  write(used, 'test/program.ts', '3');
  expect(whyStale(user)).toBeUndefined();
  expect(whyStale(used)).toBe('used: test/program.ts has changed since its build');
  write(used, 'src/index.ts', '3');
  expect(whyStale(user)).toBe('used: src/index.ts has changed since its build');
});

test('a test is run from its source, so it may change', () => {
  write(user, 'test/some.test.ts', '3');
  expect(whyStale(user)).toBeUndefined();
});

test('times say nothing: not those of a checkout, and not those of outputs from a cache', () => {
  for (const directory of [user, used]) {
    utimesSync(join(directory, 'src/index.ts'), new Date(), new Date());
    for (const output of ['dist', 'dist-test']) {
      cpSync(join(directory, output), join(directory, 'cached'), { recursive: true });
      rmSync(join(directory, output), { recursive: true });
      cpSync(join(directory, 'cached'), join(directory, output), { recursive: true });
      rmSync(join(directory, 'cached'), { recursive: true });
      for (const file of readdirSync(join(directory, output)))
        utimesSync(join(directory, output, file), 1, 1);
    }
  }
  expect(whyStale(user)).toBeUndefined();
});

test("what node-gyp keeps beside an addon does not count: a build from turbo's cache has none of it", () => {
  const addon =
    'mkdir -p build/Release/obj.target && echo 1 | tee build/Release/a.node > build/Release/obj.target/a.node';
  expect(build(used, `${BUILD}\n${addon}`).status).toBe(0);
  rmSync(join(used, 'build/Release/obj.target'), { recursive: true });
  expect(whyStale(user)).toBeUndefined();
  rmSync(join(used, 'build/Release/a.node'));
  expect(whyStale(user)).toBe('used: build/Release/a.node is gone, and not by its build');
});

test('outputs that something else than the build has written are not those of the sources', () => {
  write(user, 'dist-test/program.js', '3');
  expect(whyStale(user)).toBe('user: dist-test/program.js has changed, and not by its build');
});

test('nothing is fresh that is not built, or whose build has failed', () => {
  expect(build(used, `${BUILD}; exit 3`).status).toBe(3);
  expect(whyStale(user)).toBe('used is not built, or its last build has failed');
  build(used);
  rmSync(join(user, 'dist-test'), { recursive: true });
  expect(whyStale(user)).toBe('user is not built, or its last build has failed');
});

test('a build during which a source changes fails', () => {
  const { status, stderr } = build(user, `${BUILD}; echo 3 > src/index.ts`);
  expect(status).toBe(1);
  expect(stderr).toContain('changed while it was built');
  expect(whyStale(user)).toBe('user is not built, or its last build has failed');
});

test('a program whose source is gone is gone after the next build', () => {
  write(user, 'test/other.ts', '');
  build(user);
  expect(existsSync(join(user, 'dist-test/other.js'))).toBe(true);
  rmSync(join(user, 'test/other.ts'));
  build(user);
  expect(existsSync(join(user, 'dist-test/other.js'))).toBe(false);
  expect(existsSync(join(user, 'dist-test/program.js'))).toBe(true);
});

test('over a stale build no test is run, and the run fails with what has changed', () => {
  write(
    user,
    'vitest.config.ts',
    `import { packageTests } from '@millrace/testkit/vitest'; export default packageTests();`,
  );
  const run = () => spawnSync(process.execPath, [vitest, 'run'], { cwd: user, encoding: 'utf8' });
  expect(run()).toMatchObject({ status: 0, stdout: expect.stringContaining('1 passed') });
  write(used, 'src/index.ts', '3');
  const { status, stdout, stderr } = run();
  expect(status).toBe(1);
  expect(stderr).toContain('used: src/index.ts has changed since its build. Run');
  expect(stdout).not.toContain('passed');
});

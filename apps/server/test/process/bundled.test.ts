import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { fixture, launch } from '../support.js';

let home: string;
let caches: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'millrace-bundled-'));
  caches = join(home, 'millrace');
});
afterEach(() => {
  rmSync(home, { recursive: true });
});

interface Told {
  readonly bundled: boolean;
  readonly once: boolean;
  readonly execArgv: readonly string[];
}

/** What the processes of a server tell, once it is up. */
async function started(env: NodeJS.ProcessEnv = {}): Promise<Record<'master' | 'manager' | 'worker', Told>> {
  await using program = launch('bundled', {}, { XDG_CACHE_HOME: home, ...env });
  const of = async (role: string) =>
    JSON.parse((await program.printed(new RegExp(`^event ${role} (.*)$`, 'm')))[1] as string) as Told;
  return { master: await of('master'), manager: await of('manager'), worker: await of('worker') };
}

const bundled = { bundled: true, once: true };
const plain = { bundled: false, once: true };

test('processes below the master have all packages from the bundle, each once, and what they start does not', async () => {
  const { master, manager, worker } = await started();
  expect([master, manager, worker]).toMatchObject([plain, bundled, bundled]);
  expect(worker.execArgv).not.toContainEqual(expect.stringMatching(/bundle/));
});

test.each([
  [{}, bundled],
  [{ MILLRACE_BUNDLE: '0' }, { bundled: false }],
])('with %j a reactor thread has what the processes have', async (env, expected) => {
  const dispatch = { dispatchMode: 'function', dispatchModule: fixture('bundled-dispatch').href } as const;
  await using program = launch('bundled', { mode: 'process', ...dispatch }, { XDG_CACHE_HOME: home, ...env });
  const [, told] = await program.printed(/^event reactor (.*)$/m);
  expect(JSON.parse(told as string)).toMatchObject(expected);
});

test('the cache is for this user alone, is made by the first start, and serves the next', async () => {
  await started();
  const files = () => readdirSync(caches).map((name) => ({ name, ...statOf(join(caches, name)) }));
  expect(statSync(caches).mode & 0o777).toBe(0o700);
  const made = files();
  expect(made).toEqual([{ name: expect.stringMatching(/^code-v/), mode: 0o600, ino: expect.any(Number) }]);
  expect((await started()).worker).toMatchObject(bundled);
  expect(files()).toEqual(made);
});

test('a cache that others may write is not read, and not written', async () => {
  mkdirSync(caches);
  chmodSync(caches, 0o777);
  expect((await started()).worker).toMatchObject(bundled);
  expect(readdirSync(caches)).toEqual([]);
});

test('a cache that V8 refuses is written anew', async () => {
  await started();
  const [name] = readdirSync(caches) as [string];
  writeFileSync(join(caches, name), 'of another version');
  const { size } = statSync(join(caches, name));
  expect((await started()).worker).toMatchObject(bundled);
  expect(statSync(join(caches, name)).size).toBeGreaterThan(size);
  expect(readdirSync(caches)).toEqual([name]);
});

test.each([
  ['was damaged', (file: Buffer) => file.fill(0, file.length >> 1)],
  ['is of another source of that length', (file: Buffer) => file.fill(0, 0, 32)],
])('a cache that %s is written anew, for V8 would not refuse it', async (_, spoil) => {
  await started();
  const [name] = readdirSync(caches) as [string];
  const path = join(caches, name);
  const before = readFileSync(path);
  writeFileSync(path, spoil(Buffer.from(before)));
  expect((await started()).worker).toMatchObject(bundled);
  expect(readFileSync(path).equals(before)).toBe(false);
  expect(readFileSync(path).length).toBeGreaterThan(before.length / 2);
  expect(readdirSync(caches)).toEqual([name]);
});

test.each([
  ['the day before', -1],
  ['the day after, by a clock that was set back', 1],
])('one that was begun %s, and not finished, is in the way of none', async (_, days) => {
  await started();
  const [name] = readdirSync(caches) as [string];
  const unfinished = join(caches, `${name}.new`);
  renameSync(join(caches, name), unfinished);
  const time = Date.now() / 1000 + days * 86_400;
  utimesSync(unfinished, time, time);
  await started();
  expect(readdirSync(caches)).toEqual([name]);
});

test.each(['XDG_CACHE_HOME', 'HOME'])('below a %s that all may write nothing is made', async (variable) => {
  chmodSync(home, 0o1777);
  expect((await started({ XDG_CACHE_HOME: undefined, [variable]: home })).worker).toMatchObject(bundled);
  expect(readdirSync(home)).toEqual([]);
});

test('a home that is not there is not made', async () => {
  expect((await started({ XDG_CACHE_HOME: undefined, HOME: join(home, 'none') })).worker).toMatchObject(
    bundled,
  );
  expect(readdirSync(home)).toEqual([]);
});

test.skipIf(process.geteuid?.() !== 0)(
  'nothing is made below one of another user: sudo leaves HOME as it is',
  async () => {
    chownSync(home, 65_534, 65_534);
    expect((await started({ XDG_CACHE_HOME: undefined, HOME: home })).worker).toMatchObject(bundled);
    expect(readdirSync(home)).toEqual([]);
  },
);

test('without a place for the cache a server starts all the same', async () => {
  expect((await started({ XDG_CACHE_HOME: '/dev/null' })).worker).toMatchObject(bundled);
});

test.each([
  { MILLRACE_BUNDLE: '0' },
  { NODE_OPTIONS: '--enable-source-maps' },
  { NODE_OPTIONS: '--enable_source_maps' },
])('with %j every process has the modules of the packages', async (env) => {
  const { manager, worker } = await started(env);
  expect([manager, worker]).toMatchObject([plain, plain]);
});

test('every name that a package of the bundle exports is in it: else a class of that package would be two', () => {
  const read = (path: string) => JSON.parse(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8'));
  const names = Object.keys(read('dist/bundle.json').packages).map((name) => name.replace('@millrace/', ''));
  const manifests = names
    .map((name) => (name === 'server' ? 'package.json' : `../../packages/${name}/package.json`))
    .map(read);
  const missing = manifests.flatMap(({ name, exports }) =>
    Object.entries(exports as Record<string, object>)
      .filter(([, conditions]) => !('millrace-bundled' in conditions))
      .map(([path]) => name + path.slice(1)),
  );
  // Tests.
  expect(missing).toEqual(['@millrace/channel/contract']);
});

test('every package of the bundle is a dependency of the server: elsewhere than with npm it finds no others', () => {
  const read = (path: string) => JSON.parse(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8'));
  const { name, dependencies } = read('package.json');
  const { packages } = read('dist/bundle.json');
  expect(Object.keys(packages).filter((each) => each !== name && !(each in dependencies))).toEqual([]);
});

function statOf(path: string) {
  const { mode, ino } = statSync(path);
  return { mode: mode & 0o777, ino };
}

import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { launch } from '../support.js';

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

test('without a place for the cache a server starts all the same', async () => {
  expect((await started({ XDG_CACHE_HOME: '/dev/null' })).worker).toMatchObject(bundled);
});

test.each([{ MILLRACE_BUNDLE: '0' }, { NODE_OPTIONS: '--enable-source-maps' }])(
  'with %j every process has the modules of the packages',
  async (env) => {
    const { manager, worker } = await started(env);
    expect([manager, worker]).toMatchObject([plain, plain]);
  },
);

test('every name that a package of the bundle exports is in it: else a class of that package would be two', () => {
  const read = (path: string) => JSON.parse(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8'));
  const names = Object.keys(read('dist/bundle.json').packages).map((name) => name.replace('@millrace/', ''));
  const manifests = ['package.json', ...names.map((name) => `../../packages/${name}/package.json`)].map(read);
  const missing = manifests.flatMap(({ name, exports }) =>
    Object.entries(exports as Record<string, object>)
      .filter(([, conditions]) => !('millrace-bundled' in conditions))
      .map(([path]) => name + path.slice(1)),
  );
  // Tests.
  expect(missing).toEqual(['@millrace/channel/contract']);
});

function statOf(path: string) {
  const { mode, ino } = statSync(path);
  return { mode: mode & 0o777, ino };
}

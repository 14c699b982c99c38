import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { descendants, until } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { identityOf, livenessOf, livenessOfPid, type ProcessIdentity, thisProcess } from '../src/index.js';
import { pidNamespace, processTag, taggedProcess, thisThread } from '../src/internal.js';

const MODULES = ['index', 'internal'].map((name) => new URL(`../dist/${name}.js`, import.meta.url).href);
const NOBODY = 65_534;

/** What `expression` is to a program that `through` starts; it may use `native`, and `who`: the process of the test. */
function seenFrom(through: readonly string[], expression: string, before = ''): unknown {
  const program = `const modules = await Promise.all(${JSON.stringify(MODULES)}.map((module) => import(module)));
    const native = Object.assign({}, ...modules);
    const who = JSON.parse(process.argv[1]);
    ${before}
    console.log(JSON.stringify(${expression}));`;
  const command = [
    ...through,
    process.execPath,
    '--input-type=module',
    '-e',
    program,
    JSON.stringify(thisThread()),
  ];
  const [file = '', ...args] = command;
  const { stdout, stderr, status } = spawnSync(file, args, { encoding: 'utf8' });
  expect(`${status} ${stderr}`).toBe('0 ');
  return JSON.parse(stdout);
}

/** Surroundings with a /proc of their own, which is mounted with `options`. */
const withProc = (options: string, ...flags: string[]) => [
  ...['unshare', '--mount', ...flags, 'sh', '-c'],
  `mount -t proc ${options} none /proc && exec "$@"`,
  'sh',
];

/** A process that has ended, and its pid is nobody's. */
async function dead(): Promise<ProcessIdentity> {
  const child = spawn('sleep', ['100']);
  const identity = identityOf(child.pid as number) as ProcessIdentity;
  child.kill('SIGKILL');
  await once(child, 'exit');
  return identity;
}

test('a process knows who it is, and lives; one that has ended is dead, and so is one of another start', async () => {
  expect(thisProcess()).toEqual(identityOf(process.pid));
  expect(livenessOf(thisProcess())).toBe('alive');
  expect(livenessOf(thisThread())).toBe('alive');
  expect(livenessOf({ ...thisProcess(), start: thisProcess().start - 1 })).toBe('dead');
  const ended = await dead();
  expect(ended.namespace).toBe(pidNamespace());
  expect(livenessOf(ended)).toBe('dead');
  expect(livenessOfPid(ended.pid)).toBe('dead');
  expect(identityOf(ended.pid)).toBeUndefined();
});

test('the tag of a process in a name tells who it is, and nothing else does', () => {
  expect(taggedProcess(processTag())).toEqual(thisProcess());
  expect(taggedProcess(`${processTag({ namespace: 1, pid: 2, start: 3 })}-value-7`)).toEqual({
    namespace: 1,
    pid: 2,
    start: 3,
  });
  for (const text of [
    '',
    '1-2',
    '1-2-',
    '1--2-3',
    '-1-2-3',
    'x1-2-3',
    '1-2-3x',
    '1-0x2-3',
    `1-${'9'.repeat(11)}-3`,
  ])
    expect([text, taggedProcess(text)]).toEqual([text, undefined]);
});

test('a thread that has ended is dead, although its process lives', () => {
  const { pid, namespace } = thisProcess();
  expect(livenessOf({ pid, namespace, tid: 2 ** 22 + 1, start: 5 })).toBe('dead');
});

test('a zombie is dead', async () => {
  // The shell becomes a program that waits for no child.
  const parent = spawn('sh', ['-c', 'sleep 0 & exec sleep 100']);
  const zombie = await until('a zombie', () =>
    descendants(parent.pid as number).find(({ state }) => state === 'Z'),
  );
  expect(livenessOfPid(zombie.pid)).toBe('dead');
  expect(identityOf(zombie.pid)).toBeUndefined();
  parent.kill('SIGKILL');
  await once(parent, 'exit');
});

test('a number that is no pid is nobody, and never a group of processes', () => {
  for (const pid of [0, -1, 1.5, Number.NaN, 2 ** 31]) {
    expect(livenessOf({ pid, start: 1, namespace: pidNamespace() })).toBe('dead');
    expect(livenessOfPid(pid)).toBe('unknown');
    expect(identityOf(pid)).toBeUndefined();
  }
});

// Mounting, and becoming another user, is root's.
test.skipIf(process.getuid?.() !== 0).each(['hidepid=1', 'hidepid=2'])(
  'with /proc mounted %s, another user’s process is unknown, and one that has ended still dead',
  async (options) => {
    const ended = JSON.stringify(await dead());
    const seen = seenFrom(
      withProc(`-o ${options}`),
      `[native.livenessOf(who), native.livenessOfPid(who.pid), native.livenessOf(${ended}), native.livenessOf(native.thisThread())]`,
      `process.setgroups([]); process.setgid(${NOBODY}); process.setuid(${NOBODY});`,
    );
    expect(seen).toEqual(['unknown', 'unknown', 'dead', 'alive']);
  },
);

test.skipIf(process.getuid?.() !== 0)('from another pid namespace nobody of this one is dead', async () => {
  const seen = seenFrom(
    withProc('', '--pid', '--fork'),
    '[native.pidNamespace(), native.livenessOf(who), native.livenessOf({ ...who, start: 1 }), native.livenessOf(native.thisThread())]',
  );
  expect(seen).toEqual([expect.any(Number), 'unknown', 'unknown', 'alive']);
  expect((seen as [number])[0]).not.toBe(pidNamespace());
});

test.skipIf(process.getuid?.() !== 0)(
  'where /proc is that of another pid namespace, a process is not taken for who has its pid there',
  () => {
    const seen = seenFrom(
      ['unshare', '--pid', '--fork'],
      '[process.pid, native.identityOf(process.pid) === undefined, native.livenessOf({ ...native.thisProcess(), pid: 999 })]',
    );
    expect(seen).toEqual([1, true, 'dead']);
  },
);

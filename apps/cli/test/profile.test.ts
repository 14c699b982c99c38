import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '@millrace/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { millrace } from './millrace.js';
import { get, portOf, programOf, start } from './support.js';

let directory = '';
let env: NodeJS.ProcessEnv = {};
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-profile-'));
  env = { MILLRACE_RUNTIME_DIR: join(directory, 'run') };
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const run = (...args: string[]) => millrace(args, env, directory);

test('a CPU profile and a heap snapshot of a worker go to files, one of a hung worker says where it hangs', async () => {
  await using program = start(programOf('hanging.cjs'), { flags: ['--workers', '1'], env });
  const port = await portOf(program);
  const live = await run('profile', 'worker:0', '0.2s');
  expect([live.code, live.stdout]).toEqual([
    0,
    expect.stringMatching(/^worker-0-\d+-\d+T\d+Z\.cpuprofile\n$/),
  ]);
  expect(
    JSON.parse(readFileSync(join(directory, live.stdout.trim()), 'utf8')).samples.length,
  ).toBeGreaterThan(10);
  const heap = await run('profile', 'worker:0', '--heap', '-o', 'my.heapsnapshot', '--json');
  expect(heap.code).toBe(0);
  const bytes = readFileSync(join(directory, 'my.heapsnapshot'));
  expect(JSON.parse(heap.stdout)).toMatchObject({
    kind: 'heap',
    file: 'my.heapsnapshot',
    bytes: bytes.length,
  });
  expect(JSON.parse(bytes.toString()).snapshot.node_count).toBeGreaterThan(1_000);
  get(port, '/hang').catch(() => {});
  await until('that it hangs', async () =>
    JSON.parse((await run('status', '--json')).stdout).processTable.some(
      ({ name, state }: { name: string; state: string }) => name === 'worker:0' && state === 'hanging',
    ),
  );
  const hung = await run('profile', 'worker:0', '0.2');
  expect(hung.code).toBe(0);
  expect(hung.stderr).toMatch(/^its loop does not turn: it is in spin \(.*hanging\.cjs:5:\d+\)$/m);
  const printed = await run('profile', 'worker:0', '0.2', '-o', '-');
  expect(JSON.parse(printed.stdout).interruptedAt[0].join('\n')).toContain('spin (');
});

test('a profile that cannot be taken or written leaves no file, and says why', async () => {
  await using program = start(programOf('hello.cjs'), { flags: ['--workers', '1'], env });
  await portOf(program);
  const none = await run('profile', 'worker:7');
  expect([none.code, none.stderr]).toEqual([1, expect.stringContaining("There is no process 'worker:7'")]);
  const unwritable = await run('profile', 'worker:0', '0.1', '-o', 'missing/file');
  expect([unwritable.code, unwritable.stderr]).toEqual([
    1,
    expect.stringContaining('The file cannot be written'),
  ]);
  const full = await run('profile', 'worker:0', '0.1', '-o', '/dev/full');
  expect([full.code, full.stderr]).toEqual([
    1,
    expect.stringContaining("The profile cannot be written to '/dev/full' (ENOSPC)"),
  ]);
  expect(statSync('/dev/full').isCharacterDevice()).toBe(true);
  for (const time of ['0', '301s', '1h', '']) expect((await run('profile', 'worker:0', time)).code).toBe(2);
  expect(readdirSync(directory)).toEqual(['run']);
  expect(existsSync(join(directory, 'missing'))).toBe(false);
});

test('a profile is for its user alone, and what is no file is never removed or read again', async () => {
  await using program = start(programOf('hello.cjs'), { flags: ['--workers', '1'], env });
  await portOf(program);
  expect((await run('profile', 'worker:0', '0.1', '-o', 'own')).code).toBe(0);
  expect(statSync(join(directory, 'own')).mode & 0o777).toBe(0o600);
  // As many devices are: a link, behind which nothing can be written.
  symlinkSync('/dev/full', join(directory, 'full'));
  expect(await run('profile', 'worker:0', '0.1', '-o', 'full')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('(ENOSPC)'),
  });
  expect(readlinkSync(join(directory, 'full'))).toBe('/dev/full');
  symlinkSync('/dev/null', join(directory, 'null'));
  expect((await run('profile', 'worker:0', '0.1', '-o', 'null')).code).toBe(0);
});

test('a file that is there is replaced by one for its user alone when the profile is whole, and stays otherwise', async () => {
  await using program = start(programOf('hello.cjs'), { flags: ['--workers', '1'], env });
  await portOf(program);
  const file = join(directory, 'mine');
  writeFileSync(file, 'before', { mode: 0o644 });
  const reader = openSync(file, 'r');
  const { pid } = JSON.parse((await run('status', '--json')).stdout).processTable.find(
    ({ name }: { name: string }) => name === 'worker:0',
  );
  const broken = run('profile', 'worker:0', '60s', '-o', 'mine');
  await until('that it is being written', () =>
    readdirSync(directory).some((name) => name.endsWith('.part')),
  );
  process.kill(pid, 'SIGKILL');
  expect(await broken).toMatchObject({ code: 1, stderr: expect.stringContaining('broken off') });
  expect([readFileSync(file, 'utf8'), statSync(file).mode & 0o777]).toEqual(['before', 0o644]);
  await until(
    'the next worker',
    async () => (await run('profile', 'worker:0', '0.1', '-o', 'mine')).code === 0,
  );
  expect(JSON.parse(readFileSync(file, 'utf8')).nodes.length).toBeGreaterThan(1);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  // Who had it open reads no profile.
  expect(readFileSync(reader, 'utf8')).toBe('before');
  closeSync(reader);
  expect(readdirSync(directory).sort()).toEqual(['mine', 'run']);
});

test('inspect prints the address of the debugger, says who may use it, and closes it', async () => {
  await using program = start(programOf('hello.cjs'), { flags: ['--workers', '1'], env });
  await portOf(program);
  const opened = await run('inspect', 'worker:0');
  expect(opened.code).toBe(0);
  const [url = '', devtools] = opened.stdout.split('\n');
  expect(url).toMatch(/^ws:\/\/127\.0\.0\.1:\d+\/[0-9a-f-]{36}$/);
  expect(devtools).toMatch(/^devtools:.*ws=127\.0\.0\.1:\d+\/[0-9a-f-]{36}$/);
  expect(opened.stderr).toContain('Who knows this address can run code in it');
  expect(JSON.parse((await run('inspect', 'worker:0', '--json')).stdout)).toMatchObject({ url });
  expect(await run('inspect', 'worker:0', '--close')).toMatchObject({ code: 0, stdout: '' });
  const master = await run('inspect', 'master');
  expect(master.stderr).toContain('Every user of this machine can run code in it');
  await run('inspect', 'master', '--close');
});

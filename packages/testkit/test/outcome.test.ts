import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';

const repository = fileURLToPath(new URL('../../..', import.meta.url));
const vitest = join(repository, 'node_modules/vitest/vitest.mjs');
const count = fileURLToPath(new URL('../dist/count.js', import.meta.url));

let top: string;
let directory: string;

beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'millrace-outcome-'));
  directory = join(top, 'packages/one');
  mkdirSync(join(directory, 'test'), { recursive: true });
  mkdirSync(join(top, 'apps'));
  symlinkSync(join(repository, 'node_modules'), join(top, 'node_modules'));
  writeFileSync(join(directory, 'package.json'), '{ "name": "one", "type": "module" }');
  writeFileSync(
    join(directory, 'vitest.config.ts'),
    `import { packageTests } from '@millrace/testkit/vitest'; export default packageTests();`,
  );
});

afterEach(() => rmSync(top, { recursive: true, force: true }));

/** The lines of count.ts after a run of such tests, and how it ended. */
function counted(
  tests: string,
  env: NodeJS.ProcessEnv = { CI: '1' },
): { lines: string[]; status: number | null } {
  writeFileSync(
    join(directory, 'test/some.test.ts'),
    `import { afterAll, beforeAll, describe, expect, test } from 'vitest'; let runs = 0; ${tests}`,
  );
  const { CI: _, ...others } = process.env;
  spawnSync(process.execPath, [vitest, 'run'], { cwd: directory, env: { ...others, ...env } });
  return run();
}

function run(): { lines: string[]; status: number | null } {
  const { stdout, status } = spawnSync(process.execPath, [count], { cwd: top, encoding: 'utf8' });
  return { lines: stdout.trimEnd().split('\n'), status };
}

test('a failed test is named with its package, its file and the first line of its message', () => {
  const { lines, status } = counted(`
    test('fits', () => {});
    describe('a group', () => test('breaks', () => { throw new Error('first\\nsecond'); }));`);
  expect(lines).toEqual([
    'failed: packages/one test/some.test.ts: a group > breaks: first',
    '1 passed, 1 failed',
  ]);
  expect(status).toBe(1);
});

test('under CI a test that passes only when it is run again counts as passed, and is listed', () => {
  const tests = `test('wavers', () => expect(++runs, 'the run').toBe(2));`;
  expect(counted(tests)).toEqual({
    lines: [
      'passed only when run again: packages/one test/some.test.ts: wavers: the run: expected 1 to be 2 // Object.is equality',
      '1 passed, 0 failed',
    ],
    status: 0,
  });
  expect(counted(tests, {}).lines.at(-1)).toBe('0 passed, 1 failed');
});

test.each([
  ['beforeAll', 'of a file', `beforeAll(() => { throw new Error('no'); }); test('a', () => {});`, 0, 1],
  ['afterAll', 'of a file', `afterAll(() => { throw new Error('no'); }); test('a', () => {});`, 1, 0],
  [
    'beforeAll',
    'of a group',
    `describe('g', () => { beforeAll(() => { throw new Error('no'); }); test('a', () => {}); });`,
    0,
    1,
  ],
])('a failed %s %s counts as a failure', (_hook, _where, tests, passed, skipped) => {
  const { lines, status } = counted(tests);
  expect(lines[0]).toMatch(/^failed: packages\/one test\/some\.test\.ts: .*hooks\): no$/);
  if (skipped > 0) expect(lines[1]).toBe(`${skipped} skipped`);
  expect(lines.at(-1)).toBe(`${passed} passed, 1 failed`);
  expect(status).toBe(1);
});

test('a file that cannot be read, an error outside of any test and a run without an outcome count as failures', () => {
  expect(counted(`throw new Error('not today');`).lines).toEqual([
    'failed: packages/one test/some.test.ts: (the file or its hooks): not today',
    '0 passed, 1 failed',
  ]);
  const outside = counted(`
    test('a', async () => { await new Promise((resolve) => setTimeout(() => { setTimeout(resolve); throw new Error('later'); })); });`);
  expect(outside.lines).toEqual(['failed: packages/one: (outside of any test): later', '1 passed, 1 failed']);
  rmSync(join(directory, 'reports'), { recursive: true });
  expect(run().lines).toEqual([
    'failed: packages/one: it has tests, and no report of them',
    '0 passed, 1 failed',
  ]);
});

test('of many failures the first 50 are named', () => {
  const { lines } = counted(`for (let i = 0; i < 60; i++) test('t' + i, () => { throw new Error('no'); });`);
  expect(lines).toHaveLength(52);
  expect(lines.slice(-2)).toEqual(['failed: and 10 more', '0 passed, 60 failed']);
});

import { execFileSync, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const MILLRACE = fileURLToPath(new URL('../dist/main.js', import.meta.url));

test('help names the subcommands, and what start takes', () => {
  expect(execFileSync(process.execPath, [MILLRACE, '--help'], { encoding: 'utf8' })).toContain(
    'start [options] <entry>',
  );
});

test('a file that is not there is said in one line', () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MILLRACE, 'start', 'missing.js'], {
    encoding: 'utf8',
    cwd: '/',
  });
  expect({ status, stdout, stderr }).toEqual({
    status: 1,
    stdout: '',
    stderr: 'ERR_MILLRACE_ENTRY: There is no program /missing.js to start.\n',
  });
});

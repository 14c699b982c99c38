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

test.each(['none', 'query', 'query:', 'ip:room', 'cookie:a:b'])(
  '--dispatch %s is refused, with the ways that there are',
  (way) => {
    const { status, stderr } = spawnSync(process.execPath, [MILLRACE, 'start', '--dispatch', way, 'app.js'], {
      encoding: 'utf8',
    });
    expect(status).toBe(2);
    expect(stderr).toContain(`'${way}' is invalid`);
    expect(stderr).toContain('query:NAME, header:NAME, cookie:NAME');
  },
);

test.each([['--dispatch', 'query:room'], ['--retry']])(
  '%s in base mode is refused, with the reason',
  (...flags) => {
    const { status, stderr } = spawnSync(
      process.execPath,
      [MILLRACE, 'start', '--mode', 'base', ...flags, MILLRACE],
      { encoding: 'utf8' },
    );
    expect(status).toBe(1);
    expect(stderr).toMatch(/ERR_MILLRACE_OPTION: .*mode 'base'/);
  },
);

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const MILLRACE = fileURLToPath(new URL('../dist/main.js', import.meta.url));

test('help names the subcommands, and what start takes', () => {
  expect(execFileSync(process.execPath, [MILLRACE, '--help'], { encoding: 'utf8' })).toContain(
    'start [options] <entry>',
  );
});

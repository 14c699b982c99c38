import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { get, portOf, programOf, start } from './support.js';

const directory = mkdtempSync(join(tmpdir(), 'millrace-cli-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

test('what a start waits for is named in words of the program, in the log and again while it has no clients', async () => {
  const LISTENS = join(directory, 'listens');
  writeFileSync(LISTENS, '');
  const flags = ['--workers', '1'];
  await using hanging = start(programOf('hanging.mjs'), { flags });
  await using silent = start(programOf('silent.cjs'), { flags, env: { LISTENS } });
  await hanging.printed(
    /hanging\.mjs has not come to the end of its top level, with what it awaits there, for 5 s: worker 0 takes nothing before it has/,
  );
  await silent.printed(/silent\.cjs has not called listen for 5 s: worker 0 takes nothing before it has/);
  await silent.printed(/silent\.cjs has not called listen for 10 s: it runs without clients until it does/);
  expect(hanging.output + silent.output).not.toContain('workerStart has not settled');
  writeFileSync(LISTENS, 'now');
  expect(await get(await portOf(silent))).toMatch(/^\d+$/);
});

test('where the log goes elsewhere, the terminal is told what a start waits for', async () => {
  const log = join(directory, 'log');
  await using behind = start(programOf('hanging.mjs'), { flags: ['--workers', '1', '--log-file', log] });
  await using background = start(programOf('hanging.mjs'), {
    flags: ['--workers', '1', '-d', '--name', 'b'],
  });
  const what =
    'hanging.mjs does not serve after 5 s: workers wait until it has come to the end of its top level, and listens. ';
  await behind.printed(new RegExp(`^${what}Its log is ${log}\\.$`, 'm'));
  await background.printed(new RegExp(`^${what}Nothing keeps its log: --log-file does\\.$`, 'm'));
  background.kill('SIGTERM');
  await background.ended();
});

import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { ProgramWatch } from '../src/watch/program-watch.js';

test('a file that changed before its directory was watched is noticed', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-watch-'));
  const file = join(directory, 'app.js');
  writeFileSync(file, '');
  let reloads = 0;
  const log = { info: () => {}, warn: () => {}, error: () => {} };
  const watch = new ProgramWatch();
  watch.add([file]);
  writeFileSync(file, 'another');
  watch.begin({ log, reload: async () => ({ outcome: 'reloaded', replaced: ++reloads }) }, directory);
  await until('a reload', () => reloads > 0);
  rmSync(directory, { recursive: true });
});

test('a file that becomes a link that leads nowhere ends no watch', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-watch-'));
  const file = join(directory, 'app.js');
  writeFileSync(file, '');
  let reloads = 0;
  const log = { info: () => {}, warn: () => {}, error: () => {} };
  const watch = new ProgramWatch();
  watch.add([file]);
  watch.begin({ log, reload: async () => ({ outcome: 'reloaded', replaced: ++reloads }) }, directory);
  rmSync(file);
  symlinkSync(file, file);
  await until('a reload', () => reloads > 0);
  const before = reloads;
  rmSync(file);
  writeFileSync(file, 'another');
  await until('another reload', () => reloads > before);
  expect(reloads).toBeGreaterThan(1);
  rmSync(directory, { recursive: true });
});

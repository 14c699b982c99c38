import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { stateOf } from '../src/watch/file-state.js';
import { ProgramWatch } from '../src/watch/program-watch.js';

test('a file that changed before its directory was watched is noticed', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-watch-'));
  const file = join(directory, 'app.js');
  writeFileSync(file, '');
  let reloads = 0;
  const log = { info: () => {}, warn: () => {}, error: () => {} };
  const watch = new ProgramWatch();
  watch.add([[file, stateOf(file)]]);
  writeFileSync(file, 'another');
  watch.begin({ log, reload: async () => ({ outcome: 'reloaded', replaced: ++reloads }) }, directory);
  await until('a reload', () => reloads > 0);
  rmSync(directory, { recursive: true });
});

test('a file that changed after it was read is noticed whenever that is told, also where its directory is watched', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-watch-'));
  const [app, late] = [join(directory, 'app.js'), join(directory, 'late.js')];
  for (const file of [app, late]) writeFileSync(file, '');
  const read = stateOf(late);
  writeFileSync(late, 'another');
  const told: string[] = [];
  const log = { info: (text: string) => told.push(text), warn: () => {}, error: () => {} };
  const watch = new ProgramWatch();
  watch.add([[app, stateOf(app)]]);
  let reloads = 0;
  watch.begin({ log, reload: async () => ({ outcome: 'reloaded', replaced: ++reloads }) }, directory);
  watch.add([[late, read]]);
  await until('a reload', () => told.some((text) => text.startsWith('late.js changed: reloaded')));
  expect(reloads).toBe(1);
  rmSync(directory, { recursive: true });
});

test('a file that becomes a link that leads nowhere ends no watch', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-watch-'));
  const file = join(directory, 'app.js');
  writeFileSync(file, '');
  let reloads = 0;
  const log = { info: () => {}, warn: () => {}, error: () => {} };
  const watch = new ProgramWatch();
  watch.add([[file, stateOf(file)]]);
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

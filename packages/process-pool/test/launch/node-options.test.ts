import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Program } from '@millrace/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { fixture } from '../support.js';

let directory: string;
let elsewhere: string;
beforeEach(() => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), 'millrace-options-')));
  elsewhere = join(directory, 'elsewhere');
  mkdirSync(elsewhere);
  const preload = (name: string) => `(globalThis.preloaded ??= []).push('${name}');\n`;
  writeFileSync(join(directory, 'imported.mjs'), preload('imported'));
  writeFileSync(join(directory, 'required.cjs'), preload('required'));
  writeFileSync(join(directory, '.env'), 'FROM_FILE=read\n');
  const installed = join(directory, 'node_modules', 'installed');
  mkdirSync(installed, { recursive: true });
  const conditions = { custom: './custom.mjs', default: './plain.mjs' };
  const manifest = { name: 'installed', type: 'module', exports: { '.': conditions } };
  writeFileSync(join(installed, 'package.json'), JSON.stringify(manifest));
  for (const name of ['custom', 'plain']) writeFileSync(join(installed, `${name}.mjs`), preload(name));
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

/** What a member says whose pool was started by `node OPTIONS`, in `directory`. */
async function member(options: readonly string[], env: NodeJS.ProcessEnv = {}, chdir = '.') {
  const [first = fixture('options'), ...rest] = [...options, fixture('options'), chdir];
  await using program = new Program(first, { args: rest, env, through: ['env', '-C', directory] });
  const [, json = ''] = await program.printed(/^said (.*)$/m);
  return JSON.parse(json) as {
    cwd: string;
    preloaded: string[];
    file?: string;
    options: string[];
    isUnlisted: boolean;
  };
}

test('a member has the options of Node that its pool was started with, values that stand apart with them', async () => {
  const options = [
    '--import',
    './imported.mjs',
    '-r',
    './required.cjs',
    '-C',
    'custom',
    '--import=installed',
  ];
  const more = ['--env-file', '.env', '--stack-trace-limit=7', '--disable-warning', 'DEP0040'];
  const it = await member([...options, ...more]);
  expect(it.preloaded).toEqual(['required', 'imported', 'custom']);
  expect(it.file).toBe('read');
  expect(it.options).toEqual([...options, ...more]);
});

test.each([
  ['--title', 'mine'],
  ['--title=mine'],
  ['--inspect=0'],
  ['--inspect-port', '0'],
  ['--inspect_port', '0'],
])('what is for one process alone is not handed on: %s', async (...own) => {
  expect((await member([...own, '--conditions', 'custom', '--import', 'installed'])).options).toEqual([
    '--conditions',
    'custom',
    '--import',
    'installed',
  ]);
});

test('relative paths are from where the program was started, wherever it has gone since', async () => {
  const it = await member(['--import', './imported.mjs', '--env-file=.env'], {}, elsewhere);
  expect(it).toMatchObject({ cwd: elsewhere, preloaded: ['imported'], file: 'read' });
  const env = { NODE_OPTIONS: '--require ./required.cjs' };
  expect(await member([], env, elsewhere)).toMatchObject({ cwd: elsewhere, preloaded: ['required'] });
});

test('the debugger of a member tells its address to nobody who asks, unless members are started to be debugged', async () => {
  expect((await member([])).isUnlisted).toBe(true);
  expect((await member(['--inspect=0'])).isUnlisted).toBe(true);
  expect((await member([], { NODE_OPTIONS: '--inspect-port=0' })).isUnlisted).toBe(false);
});

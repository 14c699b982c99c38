import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { millrace } from './millrace.js';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-import-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const run = (...args: string[]) => millrace(args, {}, directory);
const ecosystem = (text: string) =>
  writeFileSync(join(directory, 'ecosystem.config.js'), `module.exports = ${text};\n`);
const written = (name: string) => JSON.parse(readFileSync(join(directory, name), 'utf8'));

test('an app of pm2 becomes a configuration that start takes, and what has no counterpart is said', async () => {
  mkdirSync(join(directory, 'dist'));
  writeFileSync(join(directory, 'dist', 'app.js'), '');
  ecosystem(`{ apps: [{
    name: 'shop', script: 'dist/app.js', args: '--colour red', instances: 4, exec_mode: 'cluster', node_args: '--max-old-space-size=512',
    max_memory_restart: '300M', kill_timeout: 5000, listen_timeout: 8000, watch: true, cron_restart: '0 3 * * *', out_file: 'out.log',
    log_file: 'logs/shop.log', env: { NODE_ENV: 'development', SECRET: "it's a \\"secret\\"" }, env_production: { NODE_ENV: 'production' },
    vizion: true,
  }] }`);
  const { code, stdout, stderr } = await run('import', 'ecosystem.config.js', '--env', 'production');
  expect([code, stdout]).toEqual([
    0,
    ['millrace.config.json', 'shop.env'].map((name) => `${join(directory, name)}\n`).join(''),
  ]);
  expect(written('millrace.config.json')).toEqual({
    entry: './dist/app.js',
    name: 'shop',
    args: ['--colour', 'red'],
    workerNum: 4,
    maxWorkerMemory: 300 << 20,
    maxWaitTime: 5_000,
    logFile: 'logs/shop.log',
    envFile: './shop.env',
  });
  expect(parseEnv(readFileSync(join(directory, 'shop.env'), 'utf8'))).toEqual({
    NODE_ENV: 'production',
    SECRET: 'it\'s a "secret"',
  });
  expect(statSync(join(directory, 'shop.env')).mode & 0o777).toBe(0o600);
  for (const note of [
    'node_args: NODE_OPTIONS="--max-old-space-size=512"',
    'listen_timeout: ',
    'watch: start it by millrace start --watch',
    'cron_restart: ',
    'out_file: ',
    'vizion: there is no counterpart',
  ])
    expect(stderr).toContain(`shop: ${note}`);
  const config = await run('config', '--json', '--config', 'millrace.config.json');
  expect([config.code, config.stderr]).toEqual([0, '']);
  const again = await run('import', 'ecosystem.config.js');
  expect([again.code, again.stderr]).toEqual([1, expect.stringContaining('--force writes over it')]);
});

test('several apps become a file each', async () => {
  ecosystem(
    `[{ name: 'one', script: 'one.js', instances: 'max', exec_mode: 'cluster' }, { name: 'two words', script: 'two.ts', interpreter: 'tsx' }]`,
  );
  const { code, stderr } = await run('import', 'ecosystem.config.js');
  expect(code).toBe(0);
  expect(written('one.millrace.config.json')).toEqual({ entry: './one.js', name: 'one' });
  expect(written('two-words.millrace.config.json')).toEqual({
    entry: './two.ts',
    name: 'two-words',
    workerNum: 1,
  });
  expect(stderr).toContain('two-words: interpreter: NODE_OPTIONS="--import tsx"');
  expect(stderr).toContain(`one: millrace start --config ${join(directory, 'one.millrace.config.json')}`);
});

test('what is no file of pm2 is said', async () => {
  ecosystem('{ apps: [{}] }');
  for (const file of ['ecosystem.config.js', 'missing.js']) {
    const { code, stderr } = await run('import', file);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/has no apps with a script|cannot be read/)]);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  }
});

test('an app that is no program of Node has no counterpart: that is said, and nothing is written', async () => {
  for (const app of [
    `{ name: 'jobs', script: 'jobs.py', instances: 2, env: { SECRET: 'x' } }`,
    `{ name: 'jobs', script: 'jobs.js', interpreter: '/usr/bin/python3' }`,
    `{ name: 'jobs', script: 'jobs.sh' }`,
    `{ name: 'jobs', script: 'jobs', interpreter: 'none' }`,
  ]) {
    ecosystem(`{ apps: [${app}] }`);
    const { code, stdout, stderr } = await run('import', 'ecosystem.config.js');
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(
      /^jobs: it has no counterpart: jobs\S* is run by \S+, and the program has to be one of Node\n$/,
    );
    expect(readdirSync(directory)).toEqual(['ecosystem.config.js']);
  }
  writeFileSync(join(directory, 'shop.js'), '');
  ecosystem(`{ apps: [{ name: 'jobs', script: 'jobs.py' }, { name: 'shop', script: 'shop.js' }] }`);
  const { code, stdout, stderr } = await run('import', 'ecosystem.config.js');
  expect([code, stdout]).toEqual([0, `${join(directory, 'millrace.config.json')}\n`]);
  expect(stderr).toContain('jobs: it has no counterpart: jobs.py is run by python');
  expect(stderr).toContain('shop: millrace start\n');
});

test.each([
  ['nothing', 'null', 'has no apps with a script'],
  ['a function', '() => ({})', 'has no apps with a script'],
  ['a script that is an object', '{ apps: [{ script: Object.create(null) }] }', 'has no apps with a script'],
  ['what throws', '(() => { throw null; })()', 'cannot be read: it throws null'],
  [
    'two apps of one name',
    "[{ name: 'a b', script: 'a' }, { name: 'a-b', script: 'b' }]",
    'would be called a-b',
  ],
  ['a value with all quotes', `{ script: 'a', env: { A: '\\'"\`\\n' } }`, 'can hold "A" of a'],
  ['a variable whose name is two lines', "{ script: 'a', env: { 'A=1\\nB': '2' } }", 'No file of variables'],
])('a file of pm2 with %s is refused in a line, and nothing is written', async (_, text, why) => {
  ecosystem(text);
  const { code, stdout, stderr } = await run('import', 'ecosystem.config.js');
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toContain(why);
  expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  expect(readdirSync(directory)).toEqual(['ecosystem.config.js']);
});

test('values of any kind become text', async () => {
  ecosystem(
    "{ apps: [{ script: 'a.js', name: Symbol('a'), args: [1, () => 2, null], instances: {}, env: { A: Object.create(null) } }] }",
  );
  expect((await run('import', 'ecosystem.config.js')).code).toBe(0);
  expect(written('millrace.config.json').args).toEqual(['1', '() => 2', 'null']);
});

test('variables are written through no link, and for their user alone also where there was a file', async () => {
  ecosystem("{ apps: [{ name: 'shop', script: 'a.js', env: { SECRET: 'x' } }] }");
  const [file, other] = [join(directory, 'shop.env'), join(directory, 'other')];
  symlinkSync(other, file);
  const refused = await run('import', 'ecosystem.config.js');
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('--force writes over it')]);
  expect((await run('import', 'ecosystem.config.js', '--force')).code).toBe(0);
  expect(existsSync(other)).toBe(false);
  rmSync(file);
  writeFileSync(file, 'SECRET=y', { mode: 0o644 });
  expect((await run('import', 'ecosystem.config.js', '--force')).code).toBe(0);
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Program, until } from '@millrace/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { millrace, type Ran } from './millrace.js';
import { get, portOf, start } from './support.js';

let directory = '';
let env: NodeJS.ProcessEnv = {};
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-config-'));
  env = { MILLRACE_RUNTIME_DIR: join(directory, 'run'), PWD: directory };
  write(
    'app.cjs',
    `require('node:http').createServer((_, response) => response.end([process.pid, process.env.COLOUR, ...process.argv.slice(2)].join(' ')))
      .listen(0, function () { console.log('listening ' + JSON.stringify(this.address())); });`,
  );
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const write = (name: string, text: string) => writeFileSync(join(directory, name), text);
const run = (...args: string[]): Promise<Ran> => millrace(args, env);
const app = (...flags: string[]): Program => start(join(directory, 'app.cjs'), { flags, env });

// biome-ignore lint/suspicious/noExplicitAny: it is what the test looks at
const status = async (): Promise<any> => JSON.parse((await run('status', '--json')).stdout);

describe('a configuration file', () => {
  const says: [string, string][] = [
    ['json', '{ "workerNum": 2, "maxWorkerNum": 5, "name": "shop", "args": ["a"], "logLevel": "warn" }'],
    ['mjs', 'export default { workerNum: 2, maxWorkerNum: 5, name: "shop", args: ["a"], logLevel: "warn" };'],
    [
      'ts',
      'const n: number = 2;\nexport default async () => ({ workerNum: n, maxWorkerNum: 5, name: "shop", args: ["a"], logLevel: "warn" as const });',
    ],
  ];
  test.for(says)('beside the program is found, and flags win over it: .%s', async ([extension, text]) => {
    write(`millrace.config.${extension}`, text);
    await using program = app('--max-workers', '7');
    const answer = await get(await portOf(program));
    expect(answer).toMatch(/^\d+ {2}a$/);
    expect(await status()).toMatchObject({ name: 'shop', size: { workers: 2, maxWorkers: 7 } });
  });

  test('names the engine, and the server says which it has', async () => {
    write('millrace.config.json', '{ "workerNum": 1, "httpEngine": "lean", "logLevel": "warn" }');
    await using program = app();
    await portOf(program);
    expect(await status()).toMatchObject({ httpEngine: 'lean' });
    expect((await run('status')).stdout).toContain('process mode, lean');
  });

  test('says which option, value and limit of which file are wrong, and the start ends with that', async () => {
    const file = join(directory, 'millrace.config.json');
    const wrong: [string, string][] = [
      ['{ "workerNum": 0 }', "The option 'workerNum' cannot be 0"],
      ['{ "workerNum": 4, "maxWorkerNum": 3 }', "cannot be 3: at least 'workerNum', which is 4"],
      ['{ "workerNmu": 4 }', "There is no option 'workerNmu'; did you mean 'workerNum'?"],
      ['{ "port": 80 }', "The option 'port' is none of a server that runs a program"],
      ['{ "daemonize": true }', "The option 'daemonize' is none of a file"],
      ['{ "args": "a" }', `The option 'args' cannot be "a": a list of texts`],
      ['{ "name": ', 'it cannot be read'],
      ['[]', 'it has no options'],
    ];
    for (const [text, message] of wrong) {
      write('millrace.config.json', text);
      const { code, stderr } = await run('start', join(directory, 'app.cjs'));
      expect(stderr).toContain(`ERR_MILLRACE_CONFIG: ${file}: `);
      expect(stderr).toContain(message);
      expect(code).toBe(1);
    }
    const missing = await run('start', '--config', join(directory, 'none.json'), join(directory, 'app.cjs'));
    expect(missing).toMatchObject({ code: 1 });
    expect(missing.stderr).toContain('none.json: it is not there.');
  });

  test('names the program, so that start needs no argument', async () => {
    write('millrace.config.json', '{ "entry": "app.cjs", "workerNum": 1, "logLevel": "warn" }');
    const by = ['--config', join(directory, 'millrace.config.json')];
    expect((await run('start')).code).toBe(2);
    const started = await run('start', '-d', ...by);
    expect(started.code).toBe(0);
    try {
      expect(await status()).toMatchObject({ name: 'app', size: { workers: 1 } });
      write('millrace.config.json', '{ "entry": "app.cjs", "workerNum": 2, "logLevel": "warn" }');
      // As it was started: by the same file, as that is by then.
      expect(await run('restart')).toMatchObject({ code: 0 });
      expect(await status()).toMatchObject({ size: { workers: 2 } });
    } finally {
      await run('stop');
    }
  });

  test('is read anew at a reload: what is of a process holds, what takes a restart is said, and one that is broken is not taken', async () => {
    write('millrace.config.mjs', 'export default { workerNum: 1, args: ["one"], envFile: ".env" };');
    write('.env', 'COLOUR=red\nSECRET=s3cret-one');
    await using program = app();
    const port = await portOf(program);
    expect(await get(port)).toMatch(/^\d+ red one$/);
    write(
      'millrace.config.mjs',
      'export default { workerNum: 3, maxRequest: 100000, args: ["two"], envFile: ".env" };',
    );
    write('.env', 'COLOUR=blue\nSECRET=s3cret-two');
    expect(await run('reload')).toMatchObject({ code: 0 });
    expect(await get(port)).toMatch(/^\d+ blue two$/);
    expect(program.output).toContain('maxRequest 0 -> 100000, by');
    expect(program.output).toMatch(/workerNum 1 -> 3, by .*: that takes a restart; millrace scale/);
    expect(program.output).toContain('other variables for the program: COLOUR, SECRET');
    expect(program.output).not.toContain('s3cret');
    const before = await get(port);
    write('millrace.config.mjs', 'export default { workerNum: ');
    const broken = await run('reload');
    expect(broken.code).toBe(1);
    expect(await get(port)).toBe(before);
    write('millrace.config.mjs', 'export default { args: ["three"], envFile: ".env" };');
    expect(await run('reload')).toMatchObject({ code: 0 });
    expect(await get(port)).toMatch(/^\d+ blue three$/);
  });

  test.for([
    ['process', 'mjs'],
    ['process', 'cjs'],
    ['base', 'json'],
  ] as const)(
    'that is being edited is not read by processes that come: they go by the last that was good (%s, .%s)',
    async ([mode, extension]) => {
      const config = (text: string) =>
        write(
          `millrace.config.${extension}`,
          { json: '', mjs: 'export default ', cjs: 'module.exports = ' }[extension] + text,
        );
      const good = (word: string) =>
        config(
          `{ "mode": "${mode}", "workerNum": 1, "maxWorkerNum": 2, "args": ["${word}"], "envFile": ".env" }`,
        );
      good('one');
      write('.env', 'COLOUR=red');
      await using program = app();
      const port = await portOf(program);
      let seen = await get(port);
      expect(seen).toMatch(/^\d+ red one$/);
      const killed = async (pid: number, answer: RegExp) => {
        process.kill(pid, 'SIGKILL');
        const before = seen;
        await until(`an answer ${answer} of another process`, async () => {
          seen = await get(port).catch(() => before);
          // A request that was with the dead process may be answered with 503.
          return /^\d/.test(seen) && seen.split(' ')[0] !== before.split(' ')[0];
        });
        expect(seen).toMatch(answer);
      };
      const worker = () => Number.parseInt(seen, 10);
      const manager = async () =>
        (await status()).processTable.find(({ role }: { role: string }) => role === 'manager').pid;
      // Half-way.
      config('{ "workerNum": ');
      rmSync(join(directory, '.env'));
      await killed(worker(), /^\d+ red one$/);
      await killed(await manager(), /^\d+ red one$/);
      const broken = await run('reload');
      expect(broken.code).toBe(1);
      expect(broken.stdout + broken.stderr).toContain(`millrace.config.${extension}: it cannot be read`);
      expect(program.output).toMatch(/those that come go by what was read before/);
      // Good again, and not reloaded.
      good('two');
      write('.env', 'COLOUR=blue');
      await killed(worker(), /^\d+ red one$/);
      expect(await run('scale', 'workers=2')).toMatchObject({ code: 0 });
      expect(await run('scale', 'workers=1')).toMatchObject({ code: 0 });
      expect(await run('reload')).toMatchObject({ code: 0 });
      seen = await get(port);
      expect(seen).toMatch(/^\d+ blue two$/);
      config('{ "workerNum": ');
      await killed(worker(), /^\d+ blue two$/);
      await killed(await manager(), /^\d+ blue two$/);
    },
  );

  test('with an envFile that cannot be read ends the start, and the file is named', async () => {
    write('millrace.config.json', '{ "envFile": "none.env" }');
    const { code, stderr } = await run('start', join(directory, 'app.cjs'));
    expect(code).toBe(1);
    expect(stderr).toContain(`ERR_MILLRACE_OPTION: The file of variables (envFile) cannot be read: `);
    expect(stderr).toContain(join(directory, 'none.env'));
    expect(stderr).not.toContain('    at ');
  });

  test('is read at a reload with what it imports', async () => {
    write('words.mjs', 'export const args = ["one"];');
    write(
      'millrace.config.mjs',
      'import { args } from "./words.mjs"; export default { workerNum: 1, args };',
    );
    await using program = app();
    const port = await portOf(program);
    for (const word of ['two', 'three']) {
      write('words.mjs', `export const args = ["${word}"];`);
      expect(await run('reload')).toMatchObject({ code: 0 });
      expect((await get(port)).split(' ').at(-1)).toBe(word);
    }
  });

  test('and defaults are printed by config, with where each comes from', async () => {
    write('millrace.config.json', '{ "workerNum": 3, "envFile": ".env" }');
    const { stdout, stderr, code } = await run('config', join(directory, 'app.cjs'));
    expect(code).toBe(0);
    expect(stderr).toContain(join(directory, 'millrace.config.json'));
    expect(stdout).toMatch(/^workerNum +file +3$/m);
    expect(stdout).toMatch(/^mode +default +process$/m);
    expect(stdout).toMatch(new RegExp(`^envFile +file +${join(directory, '.env')}$`, 'm'));
    const json = JSON.parse(
      (await run('config', '--json', '--workers', '5', join(directory, 'app.cjs'))).stdout,
    );
    expect(json.file).toBe(join(directory, 'millrace.config.json'));
    expect(json.options).toContainEqual({ option: 'workerNum', value: 5, from: 'flag' });
  });
});

describe('with --watch', () => {
  /** A version that hangs has twice as long as the slowest start before it, on a machine that does much else. */
  const SLOW_START_MS = 120_000;
  const TEST_MS = 240_000;
  const version = (n: number | string) =>
    `import { createServer } from 'node:http';
     import { answer } from './part.mjs';
     createServer((_, response) => response.end('${n} ' + answer)).listen(0, function () { console.log('listening ' + JSON.stringify(this.address())); });`;

  test('a change of any file of the program, of its variables or configuration reloads it, and a version that does not start is not taken', async () => {
    write('main.mjs', version(1));
    write('part.mjs', `export const answer = 'a' + (process.env.COLOUR ?? '');`);
    write('millrace.config.json', '{ "workerNum": 1, "envFile": ".env" }');
    write('.env', 'COLOUR=-red');
    await using program = start(join(directory, 'main.mjs'), { flags: ['--watch'], env });
    const port = await portOf(program);
    await program.printed(/it is reloaded when one of its files changes/);
    const becomes = (text: string) => until(`the answer ${text}`, async () => (await get(port)) === text);
    await becomes('1 a-red');
    write('main.mjs', version(2));
    await becomes('2 a-red');
    await program.printed(/main\.mjs changed: reloaded 1 process in \d+ ms/);
    // What the entry module imports is known by what the worker says that it has loaded.
    await until('a reload by the other file', async () => {
      write('part.mjs', `export const answer = 'b' + process.env.COLOUR;`);
      return (await get(port)) === '2 b-red';
    });
    write('.env', 'COLOUR=-blue');
    await becomes('2 b-blue');
    write('main.mjs', 'export default {{{');
    await program.printed(/main\.mjs changed: the new version does not start, and the one before serves on/);
    expect(program.output).not.toContain('program.js');
    expect(await get(port)).toBe('2 b-blue');
    write('main.mjs', version(3));
    await becomes('3 b-blue');
  });

  test(
    'a version that hangs in its start is given up when a file changes again',
    async () => {
      write('main.mjs', version(1));
      write('part.mjs', `export const answer = 'a';`);
      await using program = start(join(directory, 'main.mjs'), { flags: ['--watch', '--workers', '1'], env });
      const port = await portOf(program);
      await program.printed(/it is reloaded when one of its files changes/);
      write(
        'main.mjs',
        `console.log('hangs'); await new Promise((resolve) => setTimeout(resolve, 2 ** 31 - 1));`,
      );
      await program.printed(/^hangs$/m, SLOW_START_MS);
      write('main.mjs', version(2));
      await program.printed(
        /main\.mjs changed: the new version does not start, and the one before serves on/,
        SLOW_START_MS,
      );
      await program.printed(/main\.mjs changed: reloaded 1 process in \d+ ms/, SLOW_START_MS);
      expect(await get(port)).toBe('2 a');
    },
    TEST_MS,
  );

  test('a program that writes beside its own files all the time is reloaded when one of those changes', async () => {
    const writes = `import { writeFileSync } from 'node:fs';
      setInterval(() => writeFileSync(${JSON.stringify(join(directory, 'own.log'))}, 'x'), 10);\n`;
    write('main.mjs', writes + version(1));
    write('part.mjs', `export const answer = 'a';`);
    await using program = start(join(directory, 'main.mjs'), { flags: ['--watch', '--workers', '1'], env });
    const port = await portOf(program);
    await program.printed(/it is reloaded when one of its files changes/);
    write('main.mjs', writes + version(2));
    await until('the new version', async () => (await get(port)) === '2 a');
  });

  test('in the background the log names a file that has changed from where the command was started', async () => {
    write('main.mjs', version(1));
    write('part.mjs', `export const answer = 'a';`);
    const log = join(directory, 'log');
    const words = ['start', '-d', '--watch', '--workers', '1', '--log-file', log, 'main.mjs'];
    expect((await millrace(words, env, directory)).code).toBe(0);
    const logged = (text: string) => until(text, () => readFileSync(log, 'utf8').includes(text));
    try {
      await logged('it is reloaded when one of its files changes');
      write('main.mjs', version(2));
      await logged('"msg":"main.mjs changed: reloaded 1 process');
    } finally {
      await millrace(['stop'], env);
    }
  });
});

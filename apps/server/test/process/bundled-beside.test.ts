/** What a program has beside the server, in processes that have the bundle: packages of its own, threads, processes, odd paths. */
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Program } from '@millrace/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';

const REPOSITORY = fileURLToPath(new URL('../../../..', import.meta.url));
const HEAD = `
  import { createServer } from '@millrace/server';
  const server = createServer({ port: 0, workerNum: 1, taskWorkerNum: 0, programOutput: 'raw' });
  const tell = (told) => console.log('event ' + server.role + ' ' + JSON.stringify(told));
  server.on('receive', () => {});
`;

let top: string;
beforeEach(() => {
  // What options of Node, URLs and shells take for something else.
  top = join(mkdtempSync(join(tmpdir(), 'millrace-beside-')), `a b#%41"q'ü`);
  for (const [name, at] of [
    ['server', 'apps/server'],
    ['channel', 'packages/channel'],
  ] as const) {
    mkdirSync(join(top, 'node_modules/@millrace'), { recursive: true });
    symlinkSync(join(REPOSITORY, at), join(top, 'node_modules/@millrace', name));
  }
});
afterEach(() => rmSync(dirname(top), { recursive: true, force: true }));

async function told(text: string, env: NodeJS.ProcessEnv = {}): Promise<Record<string, unknown>> {
  writeFileSync(join(top, 'program.mjs'), HEAD + text);
  await using program = new Program(join(top, 'program.mjs'), { env });
  return JSON.parse((await program.printed(/^event worker (.*)$/m))[1] as string);
}

test('a package that the program has in another version is its own in every process', async () => {
  const own = join(top, 'node_modules/@millrace/channel');
  rmSync(own);
  cpSync(join(REPOSITORY, 'packages/channel'), own, {
    recursive: true,
    filter: (path) => !path.endsWith('node_modules'),
  });
  const manifest = JSON.parse(readFileSync(join(own, 'package.json'), 'utf8'));
  writeFileSync(join(own, 'package.json'), JSON.stringify({ ...manifest, version: '9.9.9' }));
  const file = join(own, 'dist/bundled-errors.js');
  const text = readFileSync(file, 'utf8');
  writeFileSync(
    file,
    text.replace(`"${manifest.version}"`, '"9.9.9"').replace('shown }', 'shown, OnlyThere }'),
  );
  const plain = readFileSync(join(own, 'dist/errors.js'), 'utf8');
  writeFileSync(join(own, 'dist/errors.js'), `${plain}\nexport const OnlyThere = 'there';\n`);
  const found = await told(`
    import * as errors from '@millrace/channel/errors';
    const bundled = Symbol.for('millrace.bundle') in globalThis;
    server.on('workerStart', () => tell({ bundled, OnlyThere: errors.OnlyThere, error: typeof errors.MillraceError }));
    await server.start();
  `);
  expect(found).toEqual({ bundled: true, OnlyThere: 'there', error: 'function' });
});

test('stacks name the files of the server that runs, also where one of that version ran in another directory before', async () => {
  const installed = join(top, 'node_modules');
  rmSync(installed, { recursive: true });
  mkdirSync(join(installed, '@millrace'), { recursive: true });
  const link = (name: string) => symlinkSync(join(REPOSITORY, 'node_modules', name), join(installed, name));
  for (const name of readdirSync(join(REPOSITORY, 'node_modules')))
    if (name !== '@millrace' && !name.startsWith('.')) link(name);
  for (const name of readdirSync(join(REPOSITORY, 'node_modules/@millrace')))
    if (name !== 'server') link(`@millrace/${name}`);
  for (const part of ['package.json', 'dist'])
    cpSync(join(REPOSITORY, 'apps/server', part), join(installed, '@millrace/server', part), {
      recursive: true,
    });
  const stack = async () => {
    const found = await told(
      `server.on('workerStart', () => tell({ stack: new Error().stack })); await server.start();`,
      { XDG_CACHE_HOME: dirname(top) },
    );
    return String(found.stack);
  };
  expect(await stack()).toContain(join(installed, '@millrace/server/dist/bundle.cjs'));
  const before = top;
  top = join(dirname(before), 'next');
  renameSync(before, top);
  const next = await stack();
  expect(next).toContain(join(top, 'node_modules/@millrace/server/dist/bundle.cjs'));
  expect(next).not.toContain(before);
});

test('threads and processes that the program starts have the packages, whatever options they are given', async () => {
  writeFileSync(
    join(top, 'below.mjs'),
    `
      import { parentPort } from 'node:worker_threads';
      import { MillraceError } from '@millrace/channel/errors';
      import { createServer } from '@millrace/server';
      const bundled = Symbol.for('millrace.bundle') in globalThis;
      let once = false;
      try {
        createServer({ port: 0, nonsense: 1 });
      } catch (error) {
        once = error instanceof MillraceError;
      }
      const told = { bundled, once, execArgv: process.execArgv };
      parentPort ? parentPort.postMessage(told) : process.send(told);
    `,
  );
  const found = await told(`
    import { fork } from 'node:child_process';
    import { once } from 'node:events';
    import { Worker } from 'node:worker_threads';
    const below = new URL('below.mjs', import.meta.url);
    const first = async (emitter) => (await once(emitter, 'message'))[0];
    server.on('workerStart', async () => tell({
      thread: await first(new Worker(below)),
      bare: await first(new Worker(below, { execArgv: [] })),
      condition: await first(new Worker(below, { execArgv: ['--conditions=millrace-bundled'] })),
      fork: await first(fork(below)),
    }));
    await server.start();
  `);
  const own = { bundled: false, once: true };
  expect(found).toMatchObject({
    thread: { bundled: true, once: true },
    bare: own,
    condition: own,
    fork: own,
  });
  expect(JSON.stringify(found)).not.toMatch(/bundle-loader|conditions=millrace-bundled","/);
});

import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { tasksOfModule } from '@millrace/task-pool/internal';
import { Program, TestClient, until } from '@millrace/testkit';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { PARTS } from './readme-parts.js';

/** The top of the repository. */
const TOP = fileURLToPath(new URL('../../../', import.meta.url));
/** Where the packages of the repository are found, as a user's program finds them. */
const WORK = fileURLToPath(new URL(`../dist-test/readmes-${process.pid}/`, import.meta.url));
afterAll(() => rmSync(WORK, { recursive: true, force: true }));

const COMPILER = join(TOP, 'node_modules/.bin/tsc');

/** A page, what its first program prints, and what ends a program that does not end by itself. */
interface Page {
  readonly file: string;
  readonly prints?: RegExp;
  /** It gets that signal once it has printed that, and answers a line on that port. */
  readonly serves?: { readonly port?: number; readonly until: NodeJS.Signals };
}

const PAGES: readonly Page[] = [
  { file: 'README.md', serves: { port: 9501, until: 'SIGTERM' } },
  { file: 'apps/server/README.md', prints: /still here/, serves: { port: 9501, until: 'SIGTERM' } },
  { file: 'docs/sharing-a-table.md', serves: { port: 9501, until: 'SIGTERM' } },
  { file: 'packages/channel/README.md', prints: /^\/tmp\/a$/m },
  { file: 'packages/http/README.md', serves: { port: 3000, until: 'SIGTERM' } },
  { file: 'packages/metrics/README.md', prints: /^requests_total\{method="GET",status="200"\} 1$/m },
  { file: 'packages/msg-queue/README.md', prints: /3 resize a\.png[\s\S]*0 resize b\.png[\s\S]*hello/ },
  { file: 'packages/native/README.md' },
  { file: 'packages/pipe-ipc/README.md', prints: /path: '\/etc\/hostname', bytes: \d+/ },
  { file: 'packages/process-pool/README.md', prints: /4 crawlers/, serves: { until: 'SIGTERM' } },
  { file: 'packages/reactor/README.md', serves: { port: 9000, until: 'SIGINT' } },
  { file: 'packages/shared-memory/README.md' },
  { file: 'packages/task-pool/README.md', prints: /^\d+\n\S+/m },
  { file: 'packages/timer-heap/README.md', prints: /tick 1[\s\S]*enough/ },
];

/** Their programs ask an engine, with which their packages are tested. */
const PAGES_OF_ENGINES = ['broker', 'bullmq', 'nats'].map((name) => `packages/task-${name}/README.md`);

/** The first program of a page: its files by name, the main one first in `main`. */
function firstProgram(page: string): { readonly main: string; readonly files: ReadonlyMap<string, string> } {
  const [, language, block] = /^```(ts|js)\n([\s\S]*?)^```$/m.exec(page) ?? [];
  if (block === undefined) throw new Error('The page has no program.');
  const files = new Map<string, string>();
  let name = `main.${language}`;
  for (const line of block.split('\n')) {
    // A line that is a file's name begins it.
    const [, begun] = /^\/\/ (\w+\.ts)$/.exec(line) ?? [];
    if (begun !== undefined) name = begun;
    else files.set(name, `${files.get(name) ?? ''}${line}\n`);
  }
  const main = ['main.ts', 'main.js', 'pool.ts'].find((file) => files.has(file));
  if (main === undefined) throw new Error(`None of ${[...files.keys()]} is where the program begins.`);
  return { main, files };
}

/** Writes and compiles it as a strict program of a user; gives the compiler's complaints. */
function compile(directory: string, files: ReadonlyMap<string, string>): string {
  mkdirSync(directory, { recursive: true });
  const options = {
    strict: true,
    target: 'es2022',
    module: 'nodenext',
    types: ['node'],
    allowJs: true,
    outDir: 'built',
  };
  writeFileSync(
    join(directory, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: options, files: [...files.keys()] }),
  );
  writeFileSync(join(directory, 'package.json'), '{ "type": "module" }');
  for (const [name, text] of files) writeFileSync(join(directory, name), text);
  const { stdout, stderr } = spawnSync(COMPILER, ['-p', directory, '--pretty', 'false'], {
    encoding: 'utf8',
  });
  return stdout + stderr;
}

/** Whether a line is answered: only then has the server come up. */
async function answers(port: number): Promise<boolean> {
  let client: TestClient | undefined;
  try {
    client = await TestClient.connect(port);
    await client.ask('one two');
    return true;
  } catch {
    // Not yet.
    return false;
  } finally {
    client?.close();
  }
}

test('every package has a page here', () => {
  const packages = readdirSync(join(TOP, 'packages')).filter((name) => name !== 'testkit');
  const pages = [...PAGES.map(({ file }) => file), ...PAGES_OF_ENGINES];
  expect(pages).toEqual(expect.arrayContaining(packages.map((name) => `packages/${name}/README.md`)));
});

/** The blocks of a page in TypeScript; `HERE` stands where it leaves something out. */
function blocksOf(file: string): string[] {
  const page = readFileSync(join(TOP, file), 'utf8');
  return [...page.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, block]) =>
    (block as string).replaceAll(', … }', ' }').replaceAll('…', 'HERE'),
  );
}

test('every part of a page stands for itself, and compiles with what it leaves to its reader', () => {
  const sources = new Map<string, string>();
  const found = new Set<string>();
  for (const [at, { file, has, given }] of PARTS.entries()) {
    const [block, ...others] = blocksOf(file).filter((each) => each.includes(has));
    if (block === undefined || others.length > 0) throw new Error(`Not one part of ${file} has ${has}.`);
    found.add(block);
    sources.set(`${at}-${file.replaceAll(/\W/g, '-')}.ts`, `${given}${block}\nexport {};\n`);
  }
  for (const { file } of PAGES)
    for (const block of blocksOf(file).slice(1)) expect(found, `a part of ${file}`).toContain(block);
  expect(compile(join(WORK, 'parts'), sources)).toBe('');
});

test.each(PAGES_OF_ENGINES)('the first program of %s compiles, and a host finds its tasks', async (file) => {
  const { files } = firstProgram(readFileSync(join(TOP, file), 'utf8'));
  const directory = join(WORK, file.replaceAll(/\W/g, '-'));
  expect(compile(directory, files)).toBe('');
  const module = (await import(join(directory, 'built', 'tasks.js'))) as Record<string, unknown>;
  expect(tasksOfModule('tasks.js', module)).toHaveProperty('thumbnail');
});

test.each(PAGES)('the first program of $file compiles, runs and ends', async ({ file, prints, serves }) => {
  const { main, files } = firstProgram(readFileSync(join(TOP, file), 'utf8'));
  const directory = join(WORK, file.replaceAll(/\W/g, '-'));
  expect(compile(directory, files)).toBe('');
  const program = new Program(join(directory, 'built', main.replace(/\.ts$/, '.js')));
  onTestFinished(() => program[Symbol.asyncDispose]());
  if (prints !== undefined) await program.printed(prints);
  if (serves !== undefined) {
    const { port, until: signal } = serves;
    if (port !== undefined) await until(`an answer on ${port}`, () => answers(port));
    program.kill(signal);
  }
  const { code, signal } = await program.ended();
  expect({ code, signal }, program.output).toEqual({ code: 0, signal: null });
  expect(program.output).not.toMatch(/Warning:|Error:/);
});

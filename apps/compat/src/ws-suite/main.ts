/**
 * `npm run ws-suite -- --tests DIR [--modes process,base] [--lean process,base] [--table FILE] [--not-applicable FILE] [--match REGEXP]`: ws's
 * own tests, of a checkout with mocha installed beside them, natively, as programs of `millrace start` with one worker, and over connections of a
 * listener whose engine is lean.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { PLAIN, type StartCommand, startCommand } from '../start.js';
import { failures, NATIVELY, type TestResult, table } from './table.js';

/** For one file. */
const LIMIT_MS = 300_000;
const SERVED_LEAN = fileURLToPath(new URL('served-lean.js', import.meta.url));
const RUN_FILE = fileURLToPath(new URL('run-file.js', import.meta.url));

const { values } = parseArgs({
  options: {
    tests: { type: 'string' },
    modes: { type: 'string', default: 'process,base' },
    lean: { type: 'string', default: 'process,base' },
    match: { type: 'string', default: '\\.test\\.js$' },
    table: { type: 'string' },
    'not-applicable': { type: 'string' },
  },
});
if (values.tests === undefined)
  throw new RangeError('--tests DIR is needed: a checkout of ws with mocha in it');

const directory = resolve(values.tests);
const files = readdirSync(join(directory, 'test')).filter((name) => new RegExp(values.match).test(name));
const reasons = (
  values['not-applicable'] ? JSON.parse(readFileSync(values['not-applicable'], 'utf8')) : {}
) as Record<string, string>;
const scratch = mkdtempSync(join(tmpdir(), 'ws-suite-'));
const ways = new Map<string, TestResult[]>();
try {
  await runAll(NATIVELY, PLAIN);
  for (const mode of values.modes.split(',').filter(Boolean))
    await runAll(
      `${mode} mode`,
      startCommand({ COMPAT_START: 'millrace', COMPAT_WORKERS: '1', COMPAT_MODE: mode }),
    );
  for (const mode of values.lean.split(',').filter(Boolean))
    await runAll(`lean, ${mode} mode`, PLAIN, SERVED_LEAN, { MODE: mode });
} finally {
  rmSync(scratch, { recursive: true });
}

const { version } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as { version: string };
const page = table(ways, `Node ${process.versions.node}, ws ${version}`, reasons);
console.log(page);
if (values.table !== undefined) writeFileSync(values.table, page);
if (failures(ways).some(([, { title }]) => reasons[title] === undefined)) process.exitCode = 1;

async function runAll(way: string, by: StartCommand, program = RUN_FILE, env = {}): Promise<void> {
  const all: TestResult[] = [];
  for (const file of files) {
    const found = await runFile(way, { by, program, env }, file);
    console.error(`${way}: ${file}: ${found.length} tests`);
    all.push(...found);
  }
  ways.set(way, all);
}

interface How {
  readonly by: StartCommand;
  /** What runs the file. */
  readonly program: string;
  readonly env: NodeJS.ProcessEnv;
}

async function runFile(way: string, { by, program: runner, env }: How, file: string): Promise<TestResult[]> {
  const results = join(scratch, `${way} ${file}.json`.replaceAll(' ', '-'));
  const [program, ...args] = [...by.command, runner, directory, file, results] as readonly string[] as [
    string,
    ...string[],
  ];
  const child = spawn(program, args, {
    cwd: directory,
    env: { ...process.env, ...env },
    detached: true,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = new Promise<void>((end) => child.once('exit', () => end()));
  const until = performance.now() + LIMIT_MS;
  while (!existsSync(results) && child.exitCode === null && performance.now() < until) await sleep(50);
  child.kill();
  await ended;
  // Each is the head of a group: what it has started goes with it.
  try {
    process.kill(-(child.pid as number), 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
  return existsSync(results) ? (JSON.parse(readFileSync(results, 'utf8')) as TestResult[]) : [];
}

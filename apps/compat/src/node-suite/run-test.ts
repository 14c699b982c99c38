import { spawn } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type HostedTest, VARIABLE } from './hosted-test.js';
import type { NodeTest } from './sources.js';

const HOST = fileURLToPath(new URL('host.js', import.meta.url));
const HOST_ENDED = '.host-ended';

export type Outcome = 'passed' | 'skipped' | 'failed' | 'timed out';

export interface Result {
  readonly outcome: Outcome;
  /** Of a failure: what it said first. */
  readonly reason: string;
}

export interface RunOptions {
  /** Loaded before the test, and before every process that it starts. */
  readonly preload?: string;
  /** As the program of a server with one worker, in that mode. */
  readonly mode?: HostedTest['mode'];
  /** What reads the requests then; default: node:http. */
  readonly engine?: HostedTest['engine'];
  readonly limitMs: number;
  /** Which of the tests at once it is: each has its own ports and its own directory. */
  readonly thread: number;
  readonly workDirectory: string;
}

/** Runs one test by this node, in a group of processes that ends with it. */
export async function runTest(
  { file, flags }: NodeTest,
  { preload, mode, engine = 'node', limitMs, thread, workDirectory }: RunOptions,
): Promise<Result> {
  const directory = join(workDirectory, String(thread));
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  const hosted = mode && { file, mode, engine, ended: join(directory, HOST_ENDED), runner: process.pid };
  const child = spawn(process.execPath, [...flags, hosted ? HOST : file], {
    cwd: directory,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      NODE_TEST_DIR: directory,
      TEST_THREAD_ID: String(thread),
      TEST_PARALLEL: '1',
      // What a test prints is looked at as it is.
      MILLRACE_PROGRAM_OUTPUT: 'raw',
      ...(hosted && { [VARIABLE]: JSON.stringify(hosted satisfies HostedTest) }),
      ...(preload === undefined ? {} : { NODE_OPTIONS: `--import=${preload}` }),
    },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      if (output.length < 100_000) output += text;
    });
  }
  let timedOut = false;
  const killGroup = () => {
    if (child.pid === undefined) return;
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  };
  const limit = setTimeout(() => {
    timedOut = true;
    killGroup();
  }, limitMs);
  const code = await new Promise<number | string>((resolve, reject) => {
    child.once('error', reject);
    // By its exit and not by the end of its output, which a process that it left behind may hold.
    child.once('exit', (status, signal) => resolve(status ?? signal ?? 'unknown'));
  });
  clearTimeout(limit);
  killGroup();
  // Where the tests lie is of no interest.
  output = output.replaceAll(`${resolve(file, '../../..', '.')}/`, '');
  if (timedOut)
    return { outcome: 'timed out', reason: `not within ${limitMs / 1000} s; ${firstError(output)}` };
  if (/^1\.\.0 # Skipped/m.test(output)) return { outcome: 'skipped', reason: output.trim().slice(0, 200) };
  if (code === 0) return { outcome: 'passed', reason: '' };
  return { outcome: 'failed', reason: `${code}: ${firstError(output)}` };
}

function firstError(output: string): string {
  const lines = output.split('\n').map((line) => line.trim());
  const line = lines.find((each) => /^(\w*Error|AssertionError|Mismatched|TypeError).*:/.test(each));
  return (line ?? lines.find((each) => each !== '') ?? 'no output').slice(0, 200);
}

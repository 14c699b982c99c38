import { execFile, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { treeTime } from '../load/processor-time.js';
import type { LoadResult } from '../load/work.js';
import { type HttpWork, WARM_UP_MS } from './work.js';

/** What report.lua prints. */
interface Told {
  readonly requests: number;
  readonly microseconds: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly failed: number;
  /** How they failed, each kind with its number. */
  readonly failures: string;
}

const SCRIPT = fileURLToPath(new URL('../../src/http/report.lua', import.meta.url));
const MS_PER_S = 1_000;
const US_PER_S = 1e6;
/** Later than that, an answer is a failure. wrk's own 2 s are too short for 1,000 connections that begin at once at a server that is not warm. */
const ANSWERED_WITHIN_S = 10;
/** Milliseconds beyond what it is told to take. */
const GRACE_MS = 20_000;
const run = promisify(execFile);

/** Whether wrk is there. It says its version and ends with 1. */
export const hasWrk = spawnSync('wrk', ['-v']).error === undefined;

/** Loads a server with wrk. Throws when an answer is none that was asked for, or a connection fails. */
export async function loadByWrk(work: HttpWork): Promise<LoadResult> {
  await once(work, WARM_UP_MS);
  const before = treeTime(work.pid);
  const told = await once(work, work.windowMs);
  const spent = treeTime(work.pid) - before;
  if (told.requests === 0) throw new Error(`No request was answered within ${work.windowMs} ms.`);
  const { requests, microseconds, p50, p99, p999 } = told;
  return {
    rate: requests / (microseconds / US_PER_S),
    p50,
    p99,
    p999,
    cpu: (spent * US_PER_S) / requests,
    // wrk does not say.
    clientCpu: 0,
    idleBytes: 0,
    mostClients: 0,
  };
}

async function once(
  { host, port, connections, inside = [], fields = [] }: HttpWork,
  ms: number,
): Promise<Told> {
  const seconds = Math.max(1, Math.round(ms / MS_PER_S));
  const [file, ...args] = [
    ...inside,
    ...['wrk', '-t', '1', '-c', `${connections}`, '-d', `${seconds}`, '--latency', '-s', SCRIPT],
    ...['--timeout', `${ANSWERED_WITHIN_S}`],
    ...fields.flatMap((field) => ['-H', field]),
    `http://${host}:${port}/`,
  ];
  const { stdout } = await run(file as string, args, { timeout: seconds * MS_PER_S + GRACE_MS });
  const line = stdout.split('\n').find((text) => text.startsWith('{'));
  if (line === undefined) throw new Error('wrk has told nothing.');
  const told = JSON.parse(line) as Told;
  if (told.failed > 0)
    throw new Error(`${told.failed} requests of ${told.requests} failed: ${told.failures}.`);
  return told;
}

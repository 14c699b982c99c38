/**
 * What it costs a server to be looked at: the throughput of an echo while /metrics and /v1/status are read every 100 ms, against that of
 * the same server while nobody looks, in pairs whose order changes. `npm run bench:observing`; it takes a minute and a half. Exits with 1
 * where the median of the pairs is below 0.98.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { summarize } from '../statistics.js';

const PAIRS = 20;
const RUN_MS = 2_000;
const CLIENTS = 20;
const EVERY_MS = 100;
const PATHS = ['/metrics', '/v1/status'];
const LEAST = 0.98;

const directory = mkdtempSync(join(tmpdir(), 'millrace-observing-'));
let isOver = false;
const server = spawn(process.execPath, [fileURLToPath(new URL('server.js', import.meta.url))], {
  stdio: ['ignore', 'pipe', 'inherit'],
  env: { ...process.env, MILLRACE_RUNTIME_DIR: directory },
});
try {
  const port = await listening();
  await load(port);
  const ratios: number[] = [];
  for (let pair = 0; pair < PAIRS; pair++) {
    const first = pair % 2 === 0;
    const one = await run(port, first);
    const other = await run(port, !first);
    const [watched, alone] = first ? [one, other] : [other, one];
    ratios.push(watched / alone);
    console.log(
      `${Math.round(watched)} watched, ${Math.round(alone)} alone: ${(watched / alone).toFixed(3)}`,
    );
  }
  const { median, min, max } = summarize(ratios);
  console.log(`median ${median.toFixed(3)} (${min.toFixed(3)} to ${max.toFixed(3)}), of ${PAIRS} pairs`);
  if (median < LEAST) process.exitCode = 1;
} finally {
  isOver = true;
  server.kill('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
}

function listening(): Promise<number> {
  let text = '';
  return new Promise((resolve, reject) => {
    server.once('exit', (code) => reject(new Error(`The server has ended with ${code}.`)));
    server.stdout.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
      const [, port] = /listening (\d+)/.exec(text) ?? [];
      if (port !== undefined) resolve(Number(port));
    });
  });
}

async function run(port: number, watched: boolean): Promise<number> {
  const timer = watched
    ? setInterval(() => {
        for (const path of PATHS) look(path);
      }, EVERY_MS)
    : undefined;
  const rate = await load(port);
  clearInterval(timer);
  return rate;
}

/** Reads a page to its end. What fails there fails the measurement, unless that is over. */
function look(path: string): void {
  request({ socketPath: join(directory, 'observed.sock'), path, agent: false }, (response) => {
    if (response.statusCode !== 200) throw new Error(`${path} has answered ${response.statusCode}.`);
    response.on('error', failed).resume();
  })
    .on('error', failed)
    .end();
}

function failed(error: Error): void {
  if (!isOver) throw error;
}

/** Answers in a second, to clients that each wait for one before they send the next. */
function load(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    let answers = 0;
    let left = CLIENTS;
    const start = performance.now();
    for (let i = 0; i < CLIENTS; i++) {
      const client = connect(port, '127.0.0.1', () => client.write('hello\n'));
      client.on('error', reject);
      client.on('data', () => {
        answers++;
        if (performance.now() - start < RUN_MS) return void client.write('hello\n');
        client.destroy();
        if (--left === 0) resolve((answers * 1_000) / (performance.now() - start));
      });
    }
  });
}

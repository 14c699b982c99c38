import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type ClientHttp2Session, connect, constants } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Authority, until } from '@millrace/testkit';
import { afterAll, expect, test } from 'vitest';
import { Served, startCommand } from '../dist/start.js';

const directory = mkdtempSync(join(tmpdir(), 'millrace-compat-'));
const authority = new Authority();
const identity = authority.issue('localhost');
const TLS_KEY = join(directory, 'key.pem');
const TLS_CERT = join(directory, 'cert.pem');
writeFileSync(TLS_KEY, identity.key);
writeFileSync(TLS_CERT, identity.cert);
afterAll(() => {
  authority[Symbol.dispose]();
  rmSync(directory, { recursive: true });
});

/** Milliseconds of a reload of two workers, each of which waits for its clients to hear that they are to come anew. */
const RELOAD_MS = 45_000;

/** A client that has several streams under way, and opens a new session when it is told that the one it has ends. */
class Streams {
  readonly pids = new Set<string>();
  readonly failed: string[] = [];
  answered = 0;
  sessions = 0;
  #session: ClientHttp2Session | undefined;

  constructor(readonly port: number) {}

  async run(count: number, stop: AbortSignal): Promise<void> {
    const each = async () => {
      while (!stop.aborted) await this.ask();
    };
    await Promise.all(Array.from({ length: count }, each));
    this.#session?.close();
  }

  ask(): Promise<void> {
    return new Promise((resolve) => {
      const stream = this.#open().request({ ':path': '/' });
      let text = '';
      stream.setEncoding('utf8').on('data', (more: string) => {
        text += more;
      });
      stream.on('error', () => {});
      stream.on('close', () => {
        // No process has seen one that is refused: a client repeats it. Node's own may send its GOAWAY before a stream that it has begun.
        if (stream.rstCode === constants.NGHTTP2_REFUSED_STREAM) return resolve();
        if (text === '') this.failed.push(`no answer: ${stream.rstCode}`);
        this.pids.add(text);
        this.answered++;
        resolve();
      });
    });
  }

  #open(): ClientHttp2Session {
    if (this.#session !== undefined && !this.#session.closed && !this.#session.destroyed)
      return this.#session;
    this.sessions++;
    this.#session = connect(`https://localhost:${this.port}`, { ca: authority.cert });
    this.#session.on('error', (error) => this.failed.push(error.message));
    return this.#session;
  }
}

test('no stream of HTTP/2 fails in a reload: each is answered by the process that has it, and sessions come anew', async () => {
  const { name, command } = startCommand(process.env, 2);
  const by = { name, command: [...command, '--max-wait', '40000'] };
  await using served = await Served.start('http2-delayed.js', by, { TLS_KEY, TLS_CERT });
  await until('both workers', () => served.workers().length === 2);
  const before = served.workers();
  const clients = Array.from({ length: 4 }, () => new Streams(served.port));
  const stop = new AbortController();
  const runs = clients.map((client) => client.run(4, stop.signal));
  try {
    await until('answers', () => clients.every(({ answered }) => answered > 10));
    served.program.kill('SIGUSR1');
    // By a session of its own for each: those that there were have ended.
    await until(
      'answers of new workers',
      () => clients.every(({ pids }) => [...pids].some((pid) => !before.includes(Number(pid)))),
      { deadlineMs: RELOAD_MS },
    );
  } finally {
    stop.abort();
    await Promise.all(runs);
  }
  expect(clients.flatMap(({ failed }) => failed)).toEqual([]);
  expect(clients.every(({ sessions }) => sessions > 1)).toBe(true);
});

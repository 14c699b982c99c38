import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Authority, type Program, until } from '@millrace/testkit';
import { afterAll, expect, test } from 'vitest';
import { get, portOf, programOf, start } from './support.js';

const directory = mkdtempSync(join(tmpdir(), 'millrace-cli-'));
const authority = new Authority();
afterAll(() => {
  authority[Symbol.dispose]();
  rmSync(directory, { recursive: true, force: true });
});
const { key: TLS_KEY, cert: TLS_CERT } = authority.issue('localhost');

let count = 0;

/** A program whose version a file says. */
class Versions implements AsyncDisposable {
  readonly program: Program;
  readonly #file = join(directory, `version-${count++}`);

  constructor(version: string, mode: 'process' | 'base' = 'process') {
    writeFileSync(this.#file, version);
    const flags = ['--workers', '2', '--mode', mode, '--max-wait', '5000'];
    const PORT = String(21_000 + count);
    this.program = start(programOf('versions.mjs'), {
      flags,
      env: { VERSION: this.#file, TLS_KEY, TLS_CERT, PORT },
    });
  }

  mend(version: string): void {
    writeFileSync(this.#file, version);
  }

  reload(version: string): void {
    this.mend(version);
    this.program.kill('SIGUSR1');
  }

  async answer(): Promise<string> {
    const [version = ''] = (await get(await portOf(this.program))).split(' ');
    return version;
  }

  /** The same over TLS. */
  async answerOverTls(): Promise<string> {
    const port = await portOf(this.program);
    const options = { port, ca: authority.cert, servername: 'localhost', agent: false } as const;
    return await new Promise((resolve, reject) => {
      request(options, async (response) => {
        let text = '';
        for await (const piece of response) text += piece;
        resolve(text.split(' ')[0] as string);
      })
        .on('error', reject)
        .end();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.program[Symbol.asyncDispose]();
  }
}

/** A version that hangs has twice as long as the slowest start before it, on a machine that does much else. */
const SLOW_START_MS = 120_000;
const TEST_MS = 240_000;
const FAILED = /The new worker 0 ended .* before it was ready, so the one before goes on/;

test('a version that asks for certificates of clients, which the threads cannot, leaves the one before in place, and the log says why', async () => {
  await using versions = new Versions('secure');
  expect(await versions.answerOverTls()).toBe('secure');
  versions.reload('asking');
  await versions.program.printed(
    /This version of the program cannot listen where the one before it does: TLS ends in the reactor threads there/,
  );
  await versions.program.printed(FAILED);
  // Its own handler had taken the error for all there is to say.
  expect(versions.program.output).toContain('asking goes on without a server');
  expect(await versions.answerOverTls()).toBe('secure');
  versions.reload('secure');
  await versions.program.printed(/reload: reloaded/);
});

test('so does one that serves another protocol at the same address', async () => {
  await using versions = new Versions('plain');
  expect(await versions.answer()).toBe('plain');
  versions.reload('secure');
  await versions.program.printed(
    /clients of 127\.0\.0\.1:\d+ are served as those of a server of node:http, by what .*, and it wants a server of bytes, TLS or HTTP\/2 there now/,
  );
  await versions.program.printed(FAILED);
  expect(await versions.answer()).toBe('plain');
});

test('in base mode, where each worker has its connections, it takes the place of the one before', async () => {
  await using versions = new Versions('plain', 'base');
  expect(await versions.answer()).toBe('plain');
  versions.reload('secure');
  await versions.program.printed(/reload: reloaded/);
  expect(await versions.answerOverTls()).toBe('secure');
});

test('a version that does not listen does not take the place of one that does; mended and sent SIGTERM, it is loaded anew', async () => {
  await using versions = new Versions('plain');
  expect(await versions.answer()).toBe('plain');
  versions.reload('silent');
  const [, pid] = await versions.program.printed(/^nothing listens in (\d+)$/m);
  const after = performance.now() + 10_500;
  // Longer than a program is waited for that comes up first.
  await versions.program.printed(/versions\.mjs has not called listen for 5 s: worker 0 takes nothing/);
  await until('more than ten seconds', () => performance.now() > after, { deadlineMs: 30_000 });
  expect(await versions.answer()).toBe('plain');
  expect(versions.program.output).not.toContain('without clients');
  versions.mend('plain');
  process.kill(Number(pid), 'SIGTERM');
  await versions.program.printed(/reload: reloaded/);
  expect(await versions.answer()).toBe('plain');
});

test.each([
  ['silent', /nothing listens in \d+/],
  ['spinning', /spinning in \d+/],
  ['awaiting', /awaiting in \d+/],
])(
  'a version that hangs in its start (%s) is given up when another is to be loaded, and the one before serves meanwhile',
  async (hanging, says) => {
    await using versions = new Versions('plain');
    expect(await versions.answer()).toBe('plain');
    versions.reload(hanging);
    await versions.program.printed(says, SLOW_START_MS);
    versions.reload('other');
    expect(await versions.answer()).toBe('plain');
    await versions.program.printed(
      /The new worker 0 ended \(worker 0 was not ready within \d+ ms, and another reload or change waits for that\)/,
      SLOW_START_MS,
    );
    await versions.program.printed(/reload: reloaded/, SLOW_START_MS);
    expect(await versions.answer()).toBe('other');
  },
  TEST_MS,
);

/** Files of a server in a place where other users of the machine may have made names first. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { canBeOthers, OTHER_USER } from '@millrace/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { PidFile } from '../src/master/pid-file.js';
import { launch, startServer } from './support.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-foreign-'));
  chmodSync(directory, 0o1777);
});
afterEach(() => rmSync(directory, { recursive: true }));

const refusal = (why: RegExp) =>
  expect.objectContaining({ code: 'ERR_MILLRACE_PID_FILE', message: expect.stringMatching(why) });

describe('a pid file', () => {
  test('that is a link or a FIFO is neither followed, waited for nor removed', () => {
    const victim = join(directory, 'victim');
    writeFileSync(victim, '999999999\n');
    const link = join(directory, 'link');
    symlinkSync(victim, link);
    const fifo = join(directory, 'fifo');
    execFileSync('mkfifo', [fifo]);
    for (const path of [link, fifo])
      expect(() => new PidFile(path).make()).toThrow(refusal(/not a regular file.*name another pidFile/));
    expect(readFileSync(victim, 'utf8')).toBe('999999999\n');
    expect(lstatSync(link).isSymbolicLink() && lstatSync(fifo).isFIFO()).toBe(true);
  });

  test.runIf(canBeOthers)('of another user says whose it is, whatever is in it', () => {
    const path = join(directory, 'pid');
    for (const contents of ['999999999\n', `${process.ppid}\n`, '']) {
      writeFileSync(path, contents);
      chownSync(path, OTHER_USER, OTHER_USER);
      expect(() => new PidFile(path).make()).toThrow(refusal(/belongs to user 65534/));
      expect(readFileSync(path, 'utf8')).toBe(contents);
    }
  });
});

describe.runIf(canBeOthers)('a log file', () => {
  test('of another user, or behind a link of one, keeps the server from starting and is not written to', async () => {
    const secret = join(directory, 'secret');
    writeFileSync(secret, 'root’s\n');
    const link = join(directory, 'link');
    symlinkSync(secret, link);
    execFileSync('chown', ['-h', String(OTHER_USER), link]);
    const file = join(directory, 'file');
    writeFileSync(file, '');
    chownSync(file, OTHER_USER, OTHER_USER);
    for (const logFile of [link, file]) {
      await using program = launch('life', { logFile, workerNum: 1 });
      await program.printed(/ERR_MILLRACE_LOG_FILE/);
      expect((await program.ended()).code).not.toBe(0);
      expect(program.output).toContain(`belongs to user ${OTHER_USER}`);
    }
    expect([readFileSync(secret, 'utf8'), readFileSync(file, 'utf8')]).toEqual(['root’s\n', '']);
  });

  test('of the user that workers run as is written to', async () => {
    const logFile = join(directory, 'file');
    writeFileSync(logFile, '');
    chownSync(logFile, OTHER_USER, OTHER_USER);
    await using server = await startServer(
      { logFile, user: OTHER_USER, group: OTHER_USER, workerNum: 1 },
      {},
      'life',
    );
    server.program.kill('SIGTERM');
    await server.program.ended();
    expect(readFileSync(logFile, 'utf8')).toMatch(/"msg":"stopped"/);
  });
});

/** Files of a server in a place where other users of the machine may have made names first. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
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
import { Worker } from 'node:worker_threads';
import { asOtherUser, canBeOthers, OTHER_USER } from '@millrace/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { PidFile } from '../../src/master/pid-file.js';
import { launch, startServer } from '../support.js';

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

  test('that is a FIFO one moment and a file the next keeps nobody waiting', async () => {
    const path = join(directory, 'pid');
    const fifo = join(directory, 'fifo');
    execFileSync('mkfifo', [fifo]);
    // How many turns are over, and whether one of them had to be let out of the FIFO.
    const state = new Int32Array(new SharedArrayBuffer(8));
    const racer = new Worker(
      `const fs = require('node:fs');
       const { parentPort, workerData: { path, fifo, state } } = require('node:worker_threads');
       parentPort.postMessage('begins');
       let [turn, since] = [0, performance.now()];
       for (;;) {
         // Each takes the place of what is there.
         fs.writeFileSync(path + '.file', '999999999\\n');
         fs.renameSync(path + '.file', path);
         fs.linkSync(fifo, path + '.fifo');
         fs.renameSync(path + '.fifo', path);
         if (Atomics.load(state, 0) !== turn) [turn, since] = [Atomics.load(state, 0), performance.now()];
         if (performance.now() - since < 2_000) continue;
         Atomics.store(state, 1, 1);
         fs.closeSync(fs.openSync(fifo, fs.constants.O_RDWR));
       }`,
      { eval: true, workerData: { path, fifo, state } },
    );
    try {
      await once(racer, 'message');
      let refused = 0;
      for (let turn = 1; turn <= 3_000 && state[1] === 0; turn++) {
        Atomics.store(state, 0, turn);
        const file = new PidFile(path);
        try {
          file.make();
          file.remove();
        } catch (error) {
          expect(error).toMatchObject({ code: 'ERR_MILLRACE_PID_FILE' });
          refused++;
        }
      }
      expect([refused > 0, state[1]]).toEqual([true, 0]);
    } finally {
      await racer.terminate();
    }
  });

  test.runIf(canBeOthers)(
    'whose pid is another user’s process by now, which has it open, is stale',
    async () => {
      const path = join(directory, 'pid');
      writeFileSync(path, '');
      const { process: child, stop } = await asOtherUser(
        'import sys, time\nheld = open(sys.argv[1])\nprint("ready")\ntime.sleep(600)',
        [path],
      );
      try {
        writeFileSync(path, `${child.pid}\n`);
        const file = new PidFile(path);
        file.make();
        expect(readFileSync(path, 'utf8')).toBe(`${process.pid}\n`);
        file.remove();
      } finally {
        await stop();
      }
    },
  );

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

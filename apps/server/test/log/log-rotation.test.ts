/** A log file that is moved away and made anew by whoever rotates logs, in a server whose workers may not open it. */
import {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { canBeOthers, OTHER_USER, TestClient, until } from '@millrace/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ServerOptions } from '../../src/index.js';
import { launch } from '../support.js';

/** The group that reads logs, on Debian; any but root's will do. */
const ADM = 4;
const SIXTY_FOUR_ROTATIONS = 64;

let directory: string;
let logs: string;
let logFile: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-rotation-'));
  chmodSync(directory, 0o755);
  logs = join(directory, 'logs');
  mkdirSync(logs, { mode: 0o750 });
  logFile = join(logs, 'log');
});
afterEach(() => rmSync(directory, { recursive: true }));

async function start(options: Partial<ServerOptions>) {
  const file = join(directory, 'port');
  const program = launch('log', { logFile, ...options }, { PORT_FILE: file });
  try {
    const port = await until(
      'the port',
      () => existsSync(file) && (Number(readFileSync(file, 'utf8')) || undefined),
    );
    const client = await TestClient.connect(Number(port));
    const say = (asked = client) => asked.ask('say log 1 10');
    return {
      program,
      port: Number(port),
      say,
      [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
    };
  } catch (error) {
    await program[Symbol.asyncDispose]();
    throw error;
  }
}

/** As logrotate does with `create 0640 root adm`, before its `postrotate`. */
function rotate(number: number): string {
  const moved = `${logFile}.${number}`;
  renameSync(logFile, moved);
  writeFileSync(logFile, '', { mode: 0o640 });
  chownSync(logFile, 0, ADM);
  return moved;
}

const writersOf = (file: string) =>
  new Set([...readFileSync(file, 'utf8').matchAll(/"pid":(\d+),"msg":"0 x/g)].map(([, pid]) => pid));

/** How many of the files that a process has open are that one. */
function timesOpen(pid: string, file: string): number {
  const { ino } = statSync(file);
  return readdirSync(`/proc/${pid}/fd`).filter((fd) => {
    try {
      return statSync(`/proc/${pid}/fd/${fd}`).ino === ino;
    } catch {
      // It was closed in between, or has no file.
      return false;
    }
  }).length;
}

/** Has all processes open the file anew; resolves when none of `pids` has the one from before. */
async function reopened(server: Awaited<ReturnType<typeof start>>, pids: string[], before: string) {
  server.program.kill('SIGWINCH');
  await until('every process to leave the old file', () => pids.every((pid) => timesOpen(pid, before) === 0));
}

describe.runIf(canBeOthers)(
  'after a rotation every process writes to the new file, which workers may not open,',
  () => {
    test.each(['user', 'chroot'] as const)('with %s', async (option) => {
      const root = join(directory, 'root');
      mkdirSync(join(root, 'tmp'), { recursive: true });
      chmodSync(join(root, 'tmp'), 0o1777);
      // What the path leads to below the other root directory.
      const decoys = join(root, logs);
      mkdirSync(decoys, { recursive: true });
      writeFileSync(join(decoys, 'log'), '');
      for (const path of [decoys, join(decoys, 'log')]) chmodSync(path, 0o777);
      const rights = { user: OTHER_USER, group: OTHER_USER };
      const options = option === 'user' ? rights : { ...rights, chroot: root, taskTmpdir: '/tmp' };
      await using server = await start(options);
      const pids = (await server.say()).split(' ');
      expect(pids.length).toBe(5);
      expect(writersOf(logFile)).toEqual(new Set(pids));
      // More often than a socket has room for descriptors.
      for (let number = 1; number <= SIXTY_FOUR_ROTATIONS; number++)
        await reopened(server, pids, rotate(number));
      await server.say();
      expect(writersOf(logFile)).toEqual(new Set(pids));
      expect(statSync(logFile)).toMatchObject({ uid: 0, gid: ADM });
      // One that comes later opens it by itself, and is told of the next as well.
      process.kill(Number(pids[2]), 'SIGKILL');
      const client = await TestClient.connect(server.port);
      const later = (await server.say(client)).split(' ');
      expect(later[2]).not.toBe(pids[2]);
      await reopened(server, later, rotate(0));
      expect(await server.say(client)).toBe(later.join(' '));
      expect(writersOf(logFile)).toEqual(new Set(later));
      expect(readFileSync(join(decoys, 'log'), 'utf8')).toBe('');
      expect(server.program.output).not.toMatch(/cannot be opened/);
      client.close();
    });

    test('a directory of logs that is the workers’ user’s leads to no file but that user’s and root’s there', async () => {
      chownSync(logs, OTHER_USER, OTHER_USER);
      await using server = await start({ user: OTHER_USER, group: OTHER_USER });
      const pids = (await server.say()).split(' ');
      const moved = `${logFile}.1`;
      renameSync(logFile, moved);
      const secret = join(directory, 'secret');
      writeFileSync(secret, 'root’s\n', { mode: 0o600 });
      symlinkSync(secret, logFile);
      lchownSync(logFile, OTHER_USER, OTHER_USER);
      server.program.kill('SIGWINCH');
      await until(
        'what the master and the manager say',
        () => server.program.count(/leads to a directory of user 0/g) === 2,
      );
      expect(await server.say()).toBe(pids.join(' '));
      expect(readFileSync(secret, 'utf8')).toBe('root’s\n');
      expect(pids.map((pid) => timesOpen(pid, secret))).toEqual([0, 0, 0, 0, 0]);
      expect(pids.every((pid) => timesOpen(pid, moved) > 0)).toBe(true);
      expect(readlinkSync(logFile)).toBe(secret);
    });
  },
);

import { lstatSync, readdirSync, readFileSync, type Stats, unlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { adminDirectory, isAdminName, socketPath } from '@millrace/server/admin';
import { Segment, type SegmentInfo } from '@millrace/shared-memory/segment';
import { isRunning } from '../admin/find-server.js';
import { FileUsers } from './users.js';

/** Something under a name that outlives the processes that use it. */
export interface Named {
  readonly kind: 'segment' | 'socket' | 'pid-file';
  readonly name: string;
  /** Of a segment: what it holds. */
  readonly holds: string | null;
  readonly bytes: number;
  /** The process that has made it; null: that is not known. */
  readonly creator: number | null;
  /** Processes that have it open. */
  readonly usedBy: readonly number[];
  /** Nobody has it open, and its creator has ended. */
  readonly leftover: boolean;
}

interface Found extends Named {
  /** False: it has gone, or is another one by now. */
  readonly remove: () => boolean;
}

/** What this user has under names: segments, and the files that servers are found by. Of other users nothing is told, and nothing touched. */
export async function named(): Promise<Found[]> {
  const users = new FileUsers();
  const user = process.geteuid?.() ?? 0;
  return [
    ...Segment.list().flatMap((segment) => segmentOf(segment, user, users) ?? []),
    ...(await Promise.all(runtimeNames().map((name) => filesOf(name, user, users)))).flat(),
  ];
}

function segmentOf(info: SegmentInfo, user: number, users: FileUsers): Found | undefined {
  const { name, kind, size } = info;
  const creator = info.creator || null;
  const of = typeof name === 'string' ? posix(name, users) : systemV(name);
  if (of === undefined || of.user !== user) return undefined;
  const isIdle = of.isIdle && of.usedBy.length === 0 && !isRunning(creator ?? undefined);
  return {
    kind: 'segment',
    name: typeof name === 'string' ? name : `key ${keyOf(name)}`,
    holds: kind,
    bytes: size,
    creator,
    usedBy: of.usedBy,
    // Others may have what is not for its owner alone; who they are is told to root alone.
    leftover: isIdle && (of.mode & 0o077) === 0,
    remove: () => Segment.unlink(name),
  };
}

interface Use {
  readonly user: number;
  readonly mode: number;
  readonly usedBy: readonly number[];
  readonly isIdle: boolean;
}

function posix(name: string, users: FileUsers): Use | undefined {
  const status = statusOf(join('/dev/shm', name));
  return status && { user: status.uid, mode: status.mode, usedBy: users.of(status), isIdle: true };
}

/** The kernel counts who is attached, and does not say who that is. */
function systemV(name: Exclude<SegmentInfo['name'], string>): Use | undefined {
  const [, ...lines] = readFileSync('/proc/sysvipc/shm', 'utf8').trim().split('\n');
  for (const line of lines) {
    const [key = 0, , mode = '0', , , , attached = 0, user = 0] = line
      .trim()
      .split(/\s+/)
      .map((word, at) => (at === 2 ? word : Number(word)));
    if (Number(key) >>> 0 === keyOf(name))
      return {
        user: Number(user),
        mode: Number.parseInt(String(mode), 8),
        usedBy: [],
        isIdle: attached === 0,
      };
  }
  return undefined;
}

const keyOf = (name: Exclude<SegmentInfo['name'], string>): number =>
  typeof name === 'object' && 'key' in name ? Number(name.key) : 0;

function runtimeNames(): string[] {
  // A directory of another user holds none of this one's servers.
  const directory = adminDirectory();
  if (statusOf(directory)?.uid !== process.geteuid?.()) return [];
  const files = readdirSync(directory).flatMap((file) => /^(.+)\.(?:sock|pid)$/.exec(file)?.[1] ?? []);
  return [...new Set(files)].filter(isAdminName).sort();
}

/** The socket and the pid file of a server. It lives as long as the socket is listened on. */
async function filesOf(name: string, user: number, users: FileUsers): Promise<Found[]> {
  const socket = socketPath(name);
  const isUsed = await isListenedOn(socket);
  const pidFile = join(adminDirectory(), `${name}.pid`);
  return (
    [
      ['socket', socket],
      ['pid-file', pidFile],
    ] as const
  ).flatMap(([kind, path]) => {
    const status = statusOf(path);
    if (status === undefined || status.uid !== user) return [];
    const usedBy = users.of(status);
    const leftover = !isUsed && usedBy.length === 0;
    const remove = () => removeSame(path, status);
    return [{ kind, name: path, holds: null, bytes: 0, creator: null, usedBy, leftover, remove }];
  });
}

/** Where nobody listens any more the kernel refuses; whatever else it says, somebody may. */
function isListenedOn(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', ({ code }: NodeJS.ErrnoException) =>
      resolve(code !== 'ECONNREFUSED' && code !== 'ENOENT'),
    );
  });
}

function removeSame(path: string, { ino, dev }: Stats): boolean {
  const now = statusOf(path);
  if (now === undefined || now.ino !== ino || now.dev !== dev) return false;
  unlinkSync(path);
  return true;
}

function statusOf(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

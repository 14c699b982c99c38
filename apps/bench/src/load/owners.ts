import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { processTree } from './processor-time.js';

/** Fields of a line of /proc/net/tcp. */
const LOCAL = 1;
const REMOTE = 2;
const INODE = 9;

/**
 * Which process of a server has each connection of this process to `port`: a pid by descriptor. `root`: the root of the server's
 * processes. Those that nobody has accepted yet are not in it. As the kernel tells it, so for servers that tell nothing of it.
 */
export function ownersOf(port: number, root: number): Map<number, number> {
  const servers = new Map(
    processTree(root).flatMap(({ pid }) => [...inodesOf(pid).keys()].map((inode) => [inode, pid] as const)),
  );
  const own = inodesOf('self');
  const owners = new Map<number, number>();
  const ends = new Map<string, number>();
  const lines = readFileSync('/proc/net/tcp', 'utf8').split('\n').slice(1);
  const sockets = lines.map((line) => line.trim().split(/\s+/));
  for (const { [LOCAL]: local, [REMOTE]: remote, [INODE]: inode } of sockets) {
    const owner = servers.get(Number(inode));
    if (owner !== undefined) ends.set(`${remote} ${local}`, owner);
  }
  for (const { [LOCAL]: local, [REMOTE]: remote = '', [INODE]: inode } of sockets) {
    const fd = own.get(Number(inode));
    const owner = ends.get(`${local} ${remote}`);
    if (fd !== undefined && owner !== undefined && portOf(remote) === port) owners.set(fd, owner);
  }
  return owners;
}

/** How many each has, those with most first. */
export function sharesOf(owners: ReadonlyMap<number, number>): number[] {
  const shares = new Map<number, number>();
  for (const owner of owners.values()) shares.set(owner, (shares.get(owner) ?? 0) + 1);
  return [...shares.values()].sort((a, b) => b - a);
}

/** As many descriptors of each of so many processes; undefined where there are not as many yet. */
export function evenly(
  owners: ReadonlyMap<number, number>,
  processes: number,
  each: number,
): Set<number> | undefined {
  const kept = new Map<number, number[]>();
  for (const [fd, owner] of owners) {
    const fds = kept.get(owner) ?? [];
    if (fds.length < each) fds.push(fd);
    kept.set(owner, fds);
  }
  const all = [...kept.values()];
  return all.length === processes && all.every((fds) => fds.length === each)
    ? new Set(all.flat())
    : undefined;
}

/** The sockets of a process: a descriptor by inode. */
function inodesOf(pid: number | 'self'): Map<number, number> {
  const inodes = new Map<number, number>();
  for (const fd of readdirSync(`/proc/${pid}/fd`)) {
    const inode = /^socket:\[(\d+)\]$/.exec(linkOf(`/proc/${pid}/fd/${fd}`))?.[1];
    if (inode !== undefined) inodes.set(Number(inode), Number(fd));
  }
  return inodes;
}

/** Empty when it was closed meanwhile. */
function linkOf(file: string): string {
  try {
    return readlinkSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

/** Of an address as the kernel writes it, `0100007F:1F90`. */
function portOf(address: string): number {
  return Number.parseInt(address.slice(address.indexOf(':') + 1), 16);
}

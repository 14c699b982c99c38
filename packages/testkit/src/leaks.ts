import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { descendants, openDescriptors } from './processes.js';

/**
 * Everything that a process can leave behind on a machine, each thing by a name that tells what it is. Names in shared
 * places begin with `millrace` where a package or a test makes them up, so that other programs do not disturb.
 */
export type Leavings = ReadonlySet<string>;

/** What is there now: shared memory, message queues, socket files, temporary files, children of this process. */
export function leavings(): Leavings {
  const files = (directory: string) =>
    (existsSync(directory) ? readdirSync(directory) : [])
      .filter((name) => name.startsWith('millrace'))
      .map((name) => `${directory}/${name}`);
  return new Set([
    ...files('/dev/shm'),
    ...files('/dev/mqueue'),
    ...files(tmpdir()),
    ...['shm', 'msg', 'sem'].flatMap(systemV),
    ...socketFiles(),
    ...descendants(process.pid).map(({ pid, title }) => `process ${pid} ${title}`),
  ]);
}

/** What is there now and was not `before`; and descriptors of this process, when there are more than there were. */
export function leaks(before: Leavings, descriptorsBefore?: number): string[] {
  const found = [...leavings()].filter((name) => !before.has(name));
  const descriptors = openDescriptors('self');
  if (descriptorsBefore !== undefined && descriptors > descriptorsBefore) {
    found.push(`${descriptors - descriptorsBefore} descriptors`);
  }
  return found;
}

/** System V objects: their kind and identifier, the second column of /proc/sysvipc. */
function systemV(kind: string): string[] {
  const [, ...lines] = readFileSync(`/proc/sysvipc/${kind}`, 'utf8').trim().split('\n');
  return lines.map((line) => `System V ${kind} ${line.trim().split(/\s+/)[1]}`);
}

/** Unix sockets with a name in the file system or the abstract name space: the eighth column of /proc/net/unix. */
function socketFiles(): string[] {
  const [, ...lines] = readFileSync('/proc/net/unix', 'utf8').trim().split('\n');
  return lines
    .map((line) => line.trim().split(/\s+/)[7])
    .filter((path) => path?.includes('millrace'))
    .map((path) => `socket ${path}`);
}

import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { assertTrusted } from '@millrace/native/internal';
import type { Segment } from '@millrace/shared-memory';
import { MetricsError } from '../errors.js';
import { MetricsMemory } from '../memory/metrics-memory.js';
import type { RegistryOptions } from './options.js';
import { anonymousSegment, segmentFrom } from './segments.js';

/**
 * How the processes below one find the registries of it: by an environment variable that says which descriptor of which
 * process has the memory of each, and the memory's id: `default=4711:23:ab12…;registry-1=4711:24:cd34…`. Child processes,
 * `node:cluster`'s and threads get the environment by themselves. The memory has no name, so nothing is left behind by those who
 * die; each process that has found it names itself to its own children, so that it is found as long as the parent lives.
 */
export const INHERITANCE_VARIABLE = 'MILLRACE_METRICS';

interface Source {
  readonly pid: number;
  readonly fd: number;
  readonly id: string;
}

/** The memory of a registry, and the descriptor of it that is open for children. */
export interface Inherited {
  readonly segment: Segment;
  readonly memory: MetricsMemory;
  readonly close: () => void;
}

/** The memory that a process above has for a registry of this name; one of its own, for the processes below, when none has. */
export function inherit(
  name: string,
  options: RegistryOptions,
  report: (error: MetricsError) => void,
): Inherited {
  const sources = read();
  const source = sources.get(name);
  const found = source && open(name, source, report);
  const inherited = found ?? make(options);
  sources.set(name, { pid: process.pid, fd: inherited.fd, id: inherited.memory.id });
  write(sources);
  return inherited;
}

function make(options: RegistryOptions): Inherited & { readonly fd: number } {
  const segment = anonymousSegment(options);
  return {
    segment,
    memory: new MetricsMemory(segment),
    fd: segment.descriptor,
    close: () => segment.close(),
  };
}

/** Undefined, and reported, where it cannot be had: this process has not the rights, or the other has ended. */
function open(
  name: string,
  { pid, fd: theirs, id }: Source,
  report: (error: MetricsError) => void,
): (Inherited & { readonly fd: number }) | undefined {
  let fd: number | undefined;
  let segment: Segment | undefined;
  try {
    // Not blocking, whatever it is; and nothing is read before it is known whose it is.
    fd = openSync(`/proc/${pid}/fd/${theirs}`, constants.O_RDWR | constants.O_NONBLOCK);
    assertTrusted(`The memory of process ${pid}`, fstatSync(fd).uid, undefined, 'It is of another user.');
    segment = segmentFrom(fd);
    const memory = new MetricsMemory(segment);
    if (memory.id !== id) throw new Error(`It is another memory, ${memory.id} and not ${id}.`);
    return close(segment, memory, fd);
  } catch (cause) {
    segment?.close();
    if (fd !== undefined) closeSync(fd);
    const why = (cause as Error).message;
    report(
      new MetricsError(
        'ERR_MILLRACE_METRICS_INHERITANCE',
        `The metrics of the registry ${name} cannot be shared with process ${pid}, as ${INHERITANCE_VARIABLE} says: ${why} This process and those ` +
          'below it count in a memory of their own. Start it while that process lives and with its rights, or without the variable.',
        { cause },
      ),
    );
    return undefined;
  }
}

function close(segment: Segment, memory: MetricsMemory, fd: number): Inherited & { readonly fd: number } {
  return {
    segment,
    memory,
    fd,
    close: () => {
      if (segment.closed) return;
      segment.close();
      closeSync(fd);
    },
  };
}

/** What cannot be read is as if it were not there. */
function read(): Map<string, Source> {
  const sources = new Map<string, Source>();
  for (const entry of (process.env[INHERITANCE_VARIABLE] ?? '').split(';')) {
    const [, name, pid, fd, id] = /^([\w.-]+)=([1-9]\d*):(\d+):([\da-f]{32})$/.exec(entry) ?? [];
    if (name !== undefined) sources.set(name, { pid: Number(pid), fd: Number(fd), id: id as string });
  }
  return sources;
}

function write(sources: ReadonlyMap<string, Source>): void {
  process.env[INHERITANCE_VARIABLE] = [...sources]
    .map(([name, { pid, fd, id }]) => `${name}=${pid}:${fd}:${id}`)
    .join(';');
}

import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { assertTrusted } from '@millrace/native/internal';
import type { Segment } from '@millrace/shared-memory';
import { MetricsError } from '../errors.js';
import { MetricsMemory } from '../memory/metrics-memory.js';
import type { RegistryOptions } from './options.js';
import { anonymousSegment, segmentFrom } from './segments.js';
import { INHERITANCE_VARIABLE, readSources, type Source, writeSources } from './sources.js';

/** The memory of a registry, and the descriptor of it that is open for children. */
export interface Inherited {
  readonly segment: Segment;
  readonly memory: MetricsMemory;
  readonly close: () => void;
}

/**
 * The memory that a process above has for a registry of this name; one of its own, for the processes below, when none has.
 *
 * Child processes, `node:cluster`'s and threads get the environment that says where it is by themselves. The memory has no name, so
 * nothing is left behind by those who die; each process that has found it names itself to its own children, so that it is found as
 * long as the parent lives.
 */
export function inherit(
  name: string,
  options: RegistryOptions,
  report: (error: MetricsError) => void,
): Inherited {
  const sources = readSources();
  const source = sources.get(name);
  const found = source && open(name, source, report);
  const inherited = found ?? make(options);
  sources.set(name, { pid: process.pid, fd: inherited.fd, id: inherited.memory.id });
  writeSources(sources);
  const { segment, memory, fd, close } = inherited;
  return {
    segment,
    memory,
    close: () => {
      if (!segment.closed) forget(name, fd);
      close();
    },
  };
}

/** The number may be another file's once it is closed. */
function forget(name: string, fd: number): void {
  const sources = readSources();
  const source = sources.get(name);
  if (source?.pid !== process.pid || source.fd !== fd) return;
  sources.delete(name);
  writeSources(sources);
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
    if (pid !== process.pid)
      fd = openSync(`/proc/${pid}/fd/${theirs}`, constants.O_RDWR | constants.O_NONBLOCK);
    // Its own it was handed, and keeps open.
    const at = fd ?? theirs;
    assertTrusted(`The memory of process ${pid}`, fstatSync(at).uid, undefined, 'It is of another user.');
    segment = segmentFrom(at);
    const memory = new MetricsMemory(segment);
    if (memory.id !== id) throw new Error(`It is another memory, ${memory.id} and not ${id}.`);
    return close(segment, memory, at, fd);
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

/** `opened`: what is to be closed with it. */
function close(
  segment: Segment,
  memory: MetricsMemory,
  fd: number,
  opened: number | undefined,
): Inherited & { readonly fd: number } {
  return {
    segment,
    memory,
    fd,
    close: () => {
      if (segment.closed) return;
      segment.close();
      if (opened !== undefined) closeSync(opened);
    },
  };
}

import { closeSync } from 'node:fs';
import { check, createSocketPair, SOCK_SEQPACKET, syscalls } from '@millrace/native/syscalls';
import type { Origin } from './origin.js';

/** The socket by which a process hands over the ends of its standard streams that are read. */
export const OUTPUT_PIPES = 'output.pipes';
/** What the server was started with as standard output and error. */
export const STANDARD_OUTPUT = 'output.standard';
export const STANDARD_ERROR = 'output.error';
/** These, which every process of a server has whose programs' output goes to the log. */
export const OUTPUT_NAMES = [OUTPUT_PIPES, STANDARD_OUTPUT, STANDARD_ERROR];

export const STREAMS = ['stdout', 'stderr'] as const;
export type StreamName = (typeof STREAMS)[number];

/** What goes with the two descriptors, in the order of {@link STREAMS}. */
export interface HandedPipes extends Origin {
  readonly pid: number;
}

/** The socket pair for it; both ends are the caller's. */
export function outputSockets(): { readonly from: number; readonly to: number } {
  const [from, to] = createSocketPair(SOCK_SEQPACKET);
  return { from, to };
}

/**
 * Puts pipes in the places of this process's standard output and error, and hands their other ends to the thread that reads them: so
 * whatever is written there, also by native code and by V8 as it ends, arrives with its origin. It is to come before the program writes
 * anything. Where the thread cannot be told, the streams stay as they are.
 *
 * The pipes block, as Node finds them: it changes that itself for its own streams, and who writes by other means does not expect an
 * EAGAIN. The thread reads always, and leaves out what is too much.
 */
export function captureOutput(descriptors: ReadonlyMap<string, number>, origin: Origin): void {
  const socket = descriptors.get(OUTPUT_PIPES);
  if (socket === undefined) return;
  const pipes = STREAMS.map(() => {
    const ends = new Int32Array(2);
    check(syscalls.pipe(new Uint8Array(ends.buffer)), 'pipe2');
    return ends;
  });
  const read = Int32Array.from(pipes, ([end = -1]) => end);
  const told = Buffer.from(JSON.stringify({ ...origin, pid: process.pid } satisfies HandedPipes));
  const sent = syscalls.sendRights(socket, told, told.length, new Uint8Array(read.buffer), read.length);
  for (const [at, [readable = -1, writable = -1]] of pipes.entries()) {
    if (sent > 0) check(syscalls.duplicateTo(writable, at + 1), 'dup2');
    closeSync(readable);
    closeSync(writable);
  }
}

/** What the server was started with, in a process whose own streams are pipes. */
export function standardOf(
  descriptors: ReadonlyMap<string, number>,
): { readonly output: number; readonly error: number } | undefined {
  const output = descriptors.get(STANDARD_OUTPUT);
  const error = descriptors.get(STANDARD_ERROR);
  return output === undefined || error === undefined ? undefined : { output, error };
}

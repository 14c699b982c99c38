import { openSync } from 'node:fs';
import { isatty } from 'node:tty';
import { syscalls } from '@millrace/native/syscalls';

/** A write to one of them has failed. */
export type LostOutput = (name: 'standard output' | 'standard error', error: Error) => void;

const STREAMS = [
  ['stdout', 'standard output'],
  ['stderr', 'standard error'],
] as const;

/** Bytes that wait for the reader of a stream. */
const MOST_WAITING = 1 << 20;

let lost: LostOutput | undefined;

/**
 * From here on a write to `process.stdout` or `process.stderr` that fails ends no process: Node emits 'error' for it, which
 * ends a process that has no listener, on a full disk as well as after its terminal has gone.
 *
 * Node makes the streams at their first use, and makes a pipe non-blocking then, also for the processes that share it. So nothing is
 * made here: the listener is added when the program itself uses them. `isBounded`: what is not read in time is lost from
 * {@link MOST_WAITING} on, in the place of filling the memory of this process.
 */
export function outliveLostOutput(onLost: LostOutput, isBounded = false): void {
  const isInstalled = lost !== undefined;
  lost = onLost;
  if (isInstalled) return;
  exitWithoutTerminal();
  for (const [key, name] of STREAMS) {
    const property = Object.getOwnPropertyDescriptor(process, key);
    // The program has put a stream of its own there.
    if (property?.get === undefined || !property.configurable) continue;
    const { get } = property;
    let stream: NodeJS.WriteStream | undefined;
    Object.defineProperty(process, key, {
      ...property,
      get() {
        if (stream === undefined) {
          stream = get.call(process) as NodeJS.WriteStream;
          stream.on('error', (error: Error) => lost?.(name, error));
          if (isBounded) bound(stream, name);
        }
        return stream;
      },
    });
  }
}

/**
 * Node gives a terminal its settings back when it exits, and aborts where that cannot be done since the terminal has gone: an
 * end in order would be taken for a death. What is no terminal any more is left alone by it.
 */
function exitWithoutTerminal(): void {
  const terminals = [0, 1, 2].filter((fd) => isatty(fd));
  if (terminals.length === 0) return;
  process.on('exit', () => {
    for (const fd of terminals) if (!isatty(fd)) syscalls.duplicateTo(openSync('/dev/null', 'r+'), fd);
  });
}

/** A loop that writes without end does not let the stream write: without a bound it would fill the memory. */
function bound(stream: NodeJS.WriteStream, name: Parameters<LostOutput>[0]): void {
  const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
  stream.write = ((...args: unknown[]) => {
    if (stream.writableLength <= MOST_WAITING) return write(...args);
    lost?.(name, new Error(`${stream.writableLength} bytes wait to be read`));
    const written = args.at(-1);
    if (typeof written === 'function') process.nextTick(written as () => void);
    return false;
  }) as typeof stream.write;
}

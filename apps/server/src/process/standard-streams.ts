import { openSync } from 'node:fs';
import { isatty } from 'node:tty';
import { syscalls } from '@millrace/native/syscalls';

/** A write to one of them has failed. */
export type LostOutput = (name: 'standard output' | 'standard error', error: Error) => void;

const STREAMS = [
  ['stdout', 'standard output'],
  ['stderr', 'standard error'],
] as const;

let lost: LostOutput | undefined;

/**
 * From here on a write to `process.stdout` or `process.stderr` that fails ends no process: Node emits 'error' for it, which
 * ends a process that has no listener, on a full disk as well as after its terminal has gone.
 *
 * Node makes the streams at their first use, and makes a pipe non-blocking then, also for the processes that share it. So nothing is
 * made here: the listener is added when the program itself uses them.
 */
export function outliveLostOutput(onLost: LostOutput): void {
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

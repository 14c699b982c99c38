import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, fstatSync, readSync, writeSync } from 'node:fs';
import { inspect } from 'node:util';
import { checkOptions, optionNames } from '@millrace/channel';
import { openForAppending } from '@millrace/native/internal';
import { check, syscalls } from '@millrace/native/syscalls';
import { ProcessPoolError } from '../errors.js';
import { ownOptions, startDirectory } from './node-options.js';

export interface DaemonizeOptions {
  /** Where the daemon runs. Default `/`, so that it holds no file system that may have to be unmounted. */
  readonly directory?: string;
  /** The file that its output is added to. Default: none. */
  readonly output?: string;
  /**
   * Whether the process that was started first waits until the daemon calls `ready`, and exits with 0 only then. Default:
   * it waits until the daemon has come as far as this call.
   */
  readonly waitForReady?: boolean;
}

const OPTIONS = optionNames<DaemonizeOptions>({ directory: true, output: true, waitForReady: true });

/** What the daemon tells the process that has started it. */
export interface Daemon {
  /** It is up: the process that started it exits with 0. A second call does nothing. */
  ready(): void;
  /** It will not come up, and why, as an error or in words: that is printed where the program was started. */
  failed(error: unknown): void;
}

const DAEMON_VARIABLE = 'MILLRACE_DAEMON';
/** The descriptors of standard output and error, and in the daemon that of the pipe to the process that has started it. */
const STDOUT = 1;
const STDERR = 2;
const STATUS = 3;
const READY = 'ready\n';
/** Bytes that are shown of what a daemon had written before it failed. */
const SHOWN_BYTES = 65_536;
/** What an output file, new for the daemon, is opened with; its end is read where the daemon fails. */
const { O_APPEND, O_CREAT, O_NOCTTY, O_RDWR } = constants;

/**
 * Goes on in the background: starts this program once more, with the options of Node that it was started with, in a session of
 * its own without a terminal. There the same call resolves at once; call it first. Here it never does: the process exits
 * with 0 once the daemon is up, and where that ends before, with its code and what it has written to standard error.
 * Throws `ERR_MILLRACE_EXECUTE`, and the caller goes on.
 */
export async function daemonize(options: DaemonizeOptions = {}): Promise<Daemon> {
  checkOptions(options, OPTIONS, 'daemonize()');
  const { directory = '/', output = '/dev/null', waitForReady = false } = options;
  if (process.env[DAEMON_VARIABLE] !== undefined) return becomeDaemon(directory, waitForReady);
  await closeDebugger();
  const out = openForAppending(output, { flags: O_APPEND | O_CREAT | O_NOCTTY | O_RDWR });
  const kind = fstatSync(out);
  let daemon: ChildProcess;
  try {
    // Where its options' paths are from; it changes to `directory` itself.
    daemon = spawn(process.execPath, [...ownOptions(), ...process.argv.slice(1)], {
      detached: true,
      cwd: startDirectory(),
      stdio: ['ignore', out, 'pipe', 'pipe'],
      env: { ...process.env, [DAEMON_VARIABLE]: '1' },
    });
    await once(daemon, 'spawn');
  } catch (cause) {
    closeSync(out);
    const message = `The daemon could not be started: ${(cause as Error).message}`;
    throw new ProcessPoolError('ERR_MILLRACE_EXECUTE', message, { cause });
  }
  const written = kind.isFile() ? kind.size : undefined;
  return await untilUp(daemon, () => (written === undefined ? '' : endOf(out, written)));
}

/** Exits, with what became of the daemon. */
async function untilUp(daemon: ChildProcess, ownOutput: () => string): Promise<never> {
  // A signal that ends this process, by Ctrl-C for one, is meant for the start.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => void daemon.kill(signal));
  const text: [stderr: string, status: string] = ['', ''];
  for (const [index, fd] of [STDERR, STATUS].entries()) {
    const stream = daemon.stdio[fd] as NodeJS.ReadableStream;
    stream.setEncoding('utf8').on('data', (piece: string) => {
      text[index] = `${text[index]}${piece}`.slice(-SHOWN_BYTES);
      if (index === 1 && text[1] === READY) process.exit(0);
    });
    // The other end was closed with something unread: an end like any other.
    stream.on('error', () => {});
  }
  const [code, signal] = (await once(daemon, 'close')) as [number | null, NodeJS.Signals | null];
  const [stderr, status] = text;
  if (status === READY) process.exit(0);
  const how = signal ? `by ${signal}` : `with code ${code}`;
  // What it has told is what it has failed at; its output may say that once more, in other words.
  const said = [stderr, status === '' ? ownOutput() : '', status]
    .map((part) => part.trimEnd())
    .filter((part) => part !== '');
  writeSync(STDERR, `${[...said, `The daemon ended ${how} before it was up.`].join('\n')}\n`);
  process.exit(code || 1);
}

/** Its output up to here goes to the process that has started it, for Node tells there what is wrong with its options. */
function becomeDaemon(directory: string, waitForReady: boolean): Daemon {
  delete process.env[DAEMON_VARIABLE];
  process.chdir(directory);
  check(syscalls.duplicateTo(STDOUT, STDERR), 'dup2');
  let isOver = false;
  const tell = (text: string) => {
    if (isOver) return;
    isOver = true;
    process.removeListener('uncaughtExceptionMonitor', failed);
    try {
      writeSync(STATUS, text);
    } catch {
      // The process that has started the daemon has gone: nothing waits for the answer.
    }
    closeSync(STATUS);
  };
  const failed = (error: unknown) => tell(`${typeof error === 'string' ? error : inspect(error)}\n`);
  const daemon: Daemon = { ready: () => tell(READY), failed };
  if (waitForReady) process.on('uncaughtExceptionMonitor', failed);
  else daemon.ready();
  return daemon;
}

/** Its port is for the daemon, which is given the same options. */
async function closeDebugger(): Promise<void> {
  if (!process.features.inspector) return;
  const inspector = await import('node:inspector');
  if (inspector.url() !== undefined) inspector.close();
}

/** What `fd` has from `start` on, up to `SHOWN_BYTES`. */
function endOf(fd: number, start: number): string {
  const from = Math.max(start, fstatSync(fd).size - SHOWN_BYTES);
  const bytes = Buffer.alloc(SHOWN_BYTES);
  return bytes.toString('utf8', 0, readSync(fd, bytes, 0, SHOWN_BYTES, from));
}

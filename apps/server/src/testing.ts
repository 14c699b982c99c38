/** What tests of a server need: its program as real processes, on a free port, that end with the test. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { checkOptions, checkTimeout, checkWait, optionNames, WAIT_OPTION_NAMES } from '@millrace/channel';
import { Alarm } from '@millrace/channel/internal';
import { ServerError } from './errors.js';
import { TEST_FD, TEST_VARIABLE, type TestReport } from './options/under-test.js';

export { ServerError } from './errors.js';

export interface TestServerOptions {
  /** Arguments for the program. Default: none. */
  readonly args?: readonly string[];
  /** Variables that it has beyond those of this process. Default: none. */
  readonly env?: Readonly<Record<string, string>>;
  /** Options for Node: `['--import', 'tsx']`, say. Default: none. */
  readonly execArgv?: readonly string[];
  /** Where it runs. Default: where this process does. */
  readonly cwd?: string;
  /** Milliseconds until a server that does not accept clients is killed. Default 30,000. */
  readonly timeout?: number;
  readonly signal?: AbortSignal;
}

export interface StopTestServerOptions {
  /** Milliseconds until what is left is killed. Default 10,000. */
  readonly timeout?: number;
}

const OPTIONS = optionNames<TestServerOptions>({
  ...WAIT_OPTION_NAMES,
  args: true,
  env: true,
  execArgv: true,
  cwd: true,
});
const STOP_OPTIONS = optionNames<StopTestServerOptions>({ timeout: true });
const START_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 10_000;

/** A server under test: its master, and with it all of its processes. */
export class TestServer implements AsyncDisposable {
  readonly #master: ChildProcess;
  readonly #output: { text: string };
  readonly #ended: Promise<unknown>;
  /** Where it listens, in the order of its listeners. */
  readonly addresses: TestReport['addresses'];

  /** @internal */
  constructor(
    master: ChildProcess,
    output: { text: string },
    ended: Promise<unknown>,
    addresses: TestReport['addresses'],
  ) {
    this.#master = master;
    this.#output = output;
    this.#ended = ended;
    this.addresses = addresses;
  }

  /** The master's. */
  get pid(): number {
    return this.#master.pid as number;
  }

  /** Of its first listener. */
  get port(): number {
    return this.addresses[0]?.port ?? 0;
  }

  /** What its processes have written to their standard output and error so far, the log included. */
  get output(): string {
    return this.#output.text;
  }

  /** Sends a signal to the master: `'SIGHUP'` reloads. */
  kill(signal: NodeJS.Signals): void {
    this.#master.kill(signal);
  }

  /** Ends it in order; resolves with the master's exit code when no process of it is left. A second call waits, too. */
  async stop(options: StopTestServerOptions = {}): Promise<number | null> {
    checkOptions(options, STOP_OPTIONS, 'stop()');
    const { timeout = STOP_TIMEOUT_MS } = options;
    checkTimeout(timeout);
    this.#master.kill('SIGTERM');
    const late = new Alarm(timeout, () => void this.#master.kill('SIGKILL'));
    try {
      await this.#ended;
    } finally {
      late.cancel();
    }
    return this.#master.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/**
 * Runs `entry`, a program that makes and starts a server, as processes of their own, whatever this process is: a worker of a
 * test runner, a bundle. Its listeners get free ports, whatever their options say. Resolves when it accepts clients; rejects
 * with `ERR_MILLRACE_START_FAILED`, which has what the program wrote, or with the signal's reason. The kernel ends the server
 * when this process, or the thread of it that made the call, is gone.
 */
export async function startTestServer(
  entry: string | URL,
  options: TestServerOptions = {},
): Promise<TestServer> {
  checkOptions(options, OPTIONS, 'startTestServer()');
  const { args = [], env = {}, execArgv = [], cwd, timeout = START_TIMEOUT_MS, signal } = options;
  checkWait({ signal, timeout });
  const path = entry instanceof URL || entry.startsWith('file:') ? fileURLToPath(entry) : entry;
  const master = spawn(process.execPath, [...execArgv, path, ...args], {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...env, [TEST_VARIABLE]: JSON.stringify({ parent: process.pid }) },
  });
  const output = { text: '' };
  for (const stream of [master.stdout, master.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output.text += text;
    });
  // All processes of the server have its output, so that is closed when the last of them has ended.
  const ended = once(master, 'close');
  const kill = () => void master.kill('SIGKILL');
  signal?.addEventListener('abort', kill, { once: true });
  const late = new Alarm(timeout, kill);
  try {
    const report = await Promise.race([firstLine(master.stdio[TEST_FD] as NodeJS.ReadableStream), ended]);
    if (typeof report === 'string')
      return new TestServer(master, output, ended, (JSON.parse(report) as TestReport).addresses);
  } finally {
    late.cancel();
    signal?.removeEventListener('abort', kill);
  }
  signal?.throwIfAborted();
  const { exitCode, signalCode } = master;
  const how =
    signalCode === 'SIGKILL'
      ? `it was killed after ${timeout} ms`
      : `it ended with ${signalCode ?? exitCode}`;
  const message = `The server of '${path}' does not accept clients: ${how}. It wrote:\n${output.text}`;
  throw new ServerError('ERR_MILLRACE_START_FAILED', message);
}

/** Never settles where there is none. */
function firstLine(stream: NodeJS.ReadableStream): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    stream.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
      if (text.endsWith('\n')) resolve(text);
    });
    // The end of the process tells.
    stream.on('error', () => {});
  });
}

import { fileURLToPath } from 'node:url';
import { Program, until } from '@millrace/testkit';

/** Has each process print a line when the engine that is lean reads its first request. */
const TELL_LEAN = new URL('../programs/tell-lean.js', import.meta.url).href;

/** How a program is started: a command, which the file stands behind. */
export interface StartCommand {
  readonly name: string;
  readonly command: readonly string[];
  /** Variables that it needs. */
  readonly env?: NodeJS.ProcessEnv;
  /** Its requests are read by the engine that is lean, where that can, and one by one, even where a client sends them in one piece. */
  readonly isLean?: true;
}

/** What every answer is compared with. */
export const PLAIN: StartCommand = { name: 'node', command: [process.execPath] };

/** What `npx millrace` runs: without npx, its master is the process that is started. */
const MILLRACE = fileURLToPath(new URL('dist/main.js', import.meta.resolve('millrace/package.json')));

/**
 * The command under test, of the environment: `COMPAT_START` is `plain` (the default), `lean` or `millrace`; then `COMPAT_WORKERS`
 * (default: 4) and `COMPAT_MODE` (`process` or `base`; default: as `millrace start` has it) are its options.
 */
export function startCommand(env: NodeJS.ProcessEnv = process.env, workers?: number): StartCommand {
  const { COMPAT_START = 'plain', COMPAT_WORKERS = '4', COMPAT_MODE } = env;
  if (COMPAT_START === 'plain') return PLAIN;
  if (COMPAT_START !== 'millrace' && COMPAT_START !== 'lean') {
    throw new RangeError(`COMPAT_START is '${COMPAT_START}'; it can be 'plain', 'millrace' or 'lean'.`);
  }
  const mode = COMPAT_MODE === undefined ? [] : ['--mode', COMPAT_MODE];
  const isLean = COMPAT_START === 'lean';
  const engine = isLean ? ['--engine', 'lean'] : [];
  const options = ['--workers', `${workers ?? COMPAT_WORKERS}`, ...mode, ...engine];
  const output = ['--log-level', 'warn', ...(isLean ? ['--raw-output'] : [])];
  return {
    name: `millrace start ${options.join(' ')}`,
    command: [process.execPath, MILLRACE, 'start', ...options, ...output],
    ...(isLean && { isLean, env: { NODE_OPTIONS: `--import=${TELL_LEAN}` } }),
  };
}

/** What the programs print when they listen: all those that are written here, and Next.js. */
const LISTENS = /listening on (\{.*?\}|".*?")|- Local: +http:\/\/\S+:(\d+)/;

function portOf([, address, port]: RegExpMatchArray): number {
  return port === undefined ? (JSON.parse(address as string) as { port: number }).port : Number(port);
}

/** A program of `programs/` that listens. */
export class Served implements AsyncDisposable {
  readonly program: Program;
  /** Of the first server that it has. */
  readonly port: number;

  private constructor(program: Program, port: number) {
    this.program = program;
    this.port = port;
  }

  /** Starts a program of `programs/` by a command, and waits until it listens. */
  static async start(
    name: string,
    by: StartCommand,
    env: NodeJS.ProcessEnv = {},
    args: readonly string[] = [],
  ): Promise<Served> {
    const program = new Program(new URL(`../programs/${name}`, import.meta.url), {
      by: by.command,
      args,
      env: { NODE_ENV: 'production', PORT: '0', ...by.env, ...env },
    });
    try {
      return new Served(program, portOf(await program.printed(LISTENS)));
    } catch (error) {
      await program[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Waits until a worker has had a request that the engine has read which is lean: what is compared is that one and no other. */
  async tookByLean(): Promise<void> {
    await this.program.printed(/^lean has read a request in millrace: worker \d+$/m);
  }

  /** The workers of a program that `millrace start` has started, in the order of their places. */
  workers(): number[] {
    return this.program
      .children()
      .filter(({ state, title }) => state !== 'Z' && /^millrace: worker \d+$/.test(title))
      .sort((one, other) => one.title.localeCompare(other.title))
      .map(({ pid }) => pid);
  }

  /** Waits for what it prints from now on: the wait begins with this call, and ends with that of what it returns. */
  listen(): (pattern: RegExp) => Promise<RegExpMatchArray> {
    const before = this.program.output.length;
    return (pattern) =>
      until(`output ${pattern}, of ${JSON.stringify(this.program.output.slice(before))}`, () =>
        this.program.output.slice(before).match(pattern),
      );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.program[Symbol.asyncDispose]();
  }
}

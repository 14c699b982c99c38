import { Program } from '@millrace/testkit';
import type { Ipc, ServerOptions } from '../src/index.js';

export interface RunningServer extends AsyncDisposable {
  readonly program: Program;
  /** The port for lines. */
  readonly lines: number;
  /** The port for frames with a 4-byte length. */
  readonly frames: number;
}

export function fixture(name: string): URL {
  return new URL(`../dist-test/fixtures/${name}.js`, import.meta.url);
}

/** What the project of vitest that runs this says of its servers, see vitest.config.ts; a test's own options come first. */
export const matrix: Partial<ServerOptions> = {
  ...(process.env.MILLRACE_TEST_IPC && { ipc: process.env.MILLRACE_TEST_IPC as Ipc }),
};

/** Starts a server of the fixtures as a real program, and waits until it accepts clients. */
export async function startServer(
  options: Partial<ServerOptions> = {},
  env: NodeJS.ProcessEnv = {},
  name = 'echo',
): Promise<RunningServer> {
  const program = new Program(fixture(name), { args: [JSON.stringify({ ...matrix, ...options })], env });
  try {
    const [, lines, frames] = await program.printed(/^listening (\d+) (\d+)/m);
    return {
      program,
      lines: Number(lines),
      frames: Number(frames),
      [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
    };
  } catch (error) {
    await program[Symbol.asyncDispose]();
    throw error;
  }
}

/** The pid of the process that `ps` shows under `title`. */
export function pidOf({ program }: RunningServer, title: string): number | undefined {
  return program.children().find((info) => info.title === title && info.state !== 'Z')?.pid;
}

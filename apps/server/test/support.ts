import { readFileSync } from 'node:fs';
import { Program, TestClient, until } from '@millrace/testkit';
import type { Ipc, ServerOptions } from '../src/index.js';

export interface RunningServer extends AsyncDisposable {
  readonly program: Program;
  /** The port for lines. */
  readonly lines: number;
  /** The port for frames with a 4-byte length. */
  readonly frames: number;
}

/** Whether this run is of base mode; see vitest.config.ts. */
export const isBase = process.env.MILLRACE_TEST_MODE === 'base';

/** The options of a test for the mode of this run; what belongs to reactor threads is left out in base mode. */
function inMode(options: Partial<ServerOptions>): Partial<ServerOptions> {
  if (!isBase) return options;
  const { reactorNum: _, ...others } = options;
  return { ...others, mode: 'base' };
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
  const program = new Program(fixture(name), {
    args: [JSON.stringify(inMode({ ...matrix, ...options }))],
    env,
  });
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

/** A client that worker `id` serves; `question` is answered with a line whose second word is the worker's id. */
export function clientOf(port: number, id: number, question = 'pid'): Promise<TestClient> {
  // In base mode the kernel and chance choose the worker.
  return until(`a client of worker ${id}`, async () => {
    const client = await TestClient.connect(port);
    if ((await client.ask(question)).split(' ')[1] === String(id)) return client;
    client.close();
    return undefined;
  });
}

/** The pid of the process that `ps` shows under `title`. */
export function pidOf({ program }: RunningServer, title: string): number | undefined {
  return program.children().find((info) => info.title === title && info.state !== 'Z')?.pid;
}

/** Waits until the spare of workers, or another, has booted and sleeps: it has used no processor time for a while. */
export async function spareWaits(server: RunningServer, title = 'millrace: spare'): Promise<void> {
  let last = '';
  let quiet = 0;
  await until(
    'a spare that waits',
    () => {
      const pid = pidOf(server, title);
      const stat = pid === undefined ? '' : readFileSync(`/proc/${pid}/stat`, 'utf8');
      // Its processor time, in user and system.
      const used = stat === '' ? '' : `${pid} ${stat.split(' ').slice(-39, -37).join(' ')}`;
      quiet = used !== '' && used === last ? quiet + 1 : 0;
      last = used;
      return quiet === 15;
    },
    { everyMs: 20 },
  );
}

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { accepts } from '../accepts.js';
import { Child } from '../child.js';
import { freePort } from '../free-port.js';
import { peerEntry } from '../peers.js';
import { startSwoole, swooleMissing } from '../swoole.js';

/** A program that serves: its root process, and where. */
export interface Serving {
  readonly child: Child;
  readonly port: number;
  readonly stop: () => Promise<void>;
}

/** What is measured: the same program behind this or that. */
export interface HttpProgram {
  readonly name: string;
  readonly missing?: string | undefined;
  /** Resolves once it accepts on `host`. */
  readonly start: (host: string) => Promise<Serving>;
}

/** Programs of `apps/bench/programs`, none of which knows what it is run by. */
export type ProgramName =
  | 'hello-node'
  | 'hello-uncut'
  | 'hello-express'
  | 'hello-fastify'
  | 'hello-cluster'
  | 'hello-bytes'
  | 'hello-lean'
  | 'hello-fastify-lean'
  | 'echo-ws'
  | 'echo-ws-bytes'
  | 'echo-ws-lean';

/** How the command runs a program. */
export interface Manner {
  readonly mode: 'process' | 'base';
  readonly workers: number;
  /** Further options of `millrace start`. Default: none. */
  readonly options?: readonly string[];
}

const CLI = fileURLToPath(new URL('dist/main.js', import.meta.resolve('millrace/package.json')));
/** Where a program lies. */
export const fileOf = (name: ProgramName) =>
  fileURLToPath(new URL(`../../programs/${name}.js`, import.meta.url));

type Variables = Readonly<Record<string, string>>;

/** Starts a command, and waits until it accepts on a port that it is told by `PORT` and `HOST`. */
async function serve(
  command: readonly string[],
  host: string,
  variables: Variables = {},
  stopped = () => {},
): Promise<Serving> {
  const port = await freePort();
  const env = { PORT: `${port}`, HOST: host, NODE_ENV: 'production', ...variables };
  const child = new Child(process.execPath, command, { env });
  const stop = async () => {
    await child.stop();
    stopped();
  };
  try {
    await accepts(port, host);
  } catch (error) {
    await stop();
    throw error;
  }
  return { child, port, stop };
}

/** The program, as `node program.js` runs it. */
export function plain(program: ProgramName, name: string): HttpProgram {
  return { name, start: (host) => serve([fileOf(program)], host) };
}

/** The same program, as `millrace start program.js` runs it. */
export function started(
  program: ProgramName,
  name: string,
  { mode, workers, options: further = [] }: Manner,
): HttpProgram {
  const reactors = mode === 'process' ? ['--reactors', '1'] : [];
  const options = ['--mode', mode, '--workers', `${workers}`, ...reactors, '--log-level', 'error'].concat(
    further,
  );
  return {
    name: [`millrace, ${mode}${name === '' ? '' : `: ${name}`}`, ...further].join(' '),
    start: (host) => serve([CLI, 'start', ...options, fileOf(program)], host),
  };
}

/** A program that has itself served by the engine that is lean. */
export function servedLean(
  program: 'hello-lean' | 'hello-fastify-lean' | 'echo-ws-lean',
  name: string,
  { mode, workers }: Manner,
): HttpProgram {
  const variables = { MODE: mode, WORKERS: `${workers}` };
  return {
    name: `millrace lean, ${mode}${name === '' ? '' : `: ${name}`}`,
    start: (host) => serve([fileOf(program)], host, variables),
  };
}

/** The bytes of a program's answers from a handler of messages: the sockets alone. */
export function servedBytes(
  program: 'hello-bytes' | 'echo-ws-bytes',
  { mode, workers }: Manner,
): HttpProgram {
  const variables = { MODE: mode, WORKERS: `${workers}` };
  return {
    name: `millrace, ${mode}: its bytes alone`,
    start: (host) => serve([fileOf(program)], host, variables),
  };
}

export function nodeCluster(workers: number): HttpProgram {
  const variables = { WORKERS: `${workers}` };
  return { name: 'node:cluster', start: (host) => serve([fileOf('hello-cluster')], host, variables) };
}

/** pm2 with its processes below this one, and nothing of it in the user's home. */
export function pm2(workers: number): HttpProgram {
  const entry = peerEntry('pm2');
  const start = (host: string) => {
    const home = mkdtempSync(join(tmpdir(), 'bench-pm2-'));
    const runtime = join(dirname(entry as string), 'bin', 'pm2-runtime');
    const command = [runtime, 'start', fileOf('hello-node'), '-i', `${workers}`];
    return serve(command, host, { PM2_HOME: home }, () => rmSync(home, { recursive: true, force: true }));
  };
  return { name: 'pm2', missing: entry === undefined ? 'not installed' : undefined, start };
}

/** Swoole's own HTTP server, where `SWOOLE_SO` names the extension. */
export const swooleHttp = (manner: Manner): HttpProgram => swoole('http/hello-swoole.php', manner);

/** Swoole's WebSocket server, which sends messages back. */
export const swooleWebSocket = (manner: Manner): HttpProgram => swoole('http/echo-ws-swoole.php', manner);

function swoole(script: string, manner: Manner): HttpProgram {
  const start = async (host: string) => {
    const port = await freePort();
    const child = startSwoole(script, [host, port, JSON.stringify(manner)]);
    await accepts(port, host);
    return { child, port, stop: () => child.stop() };
  };
  return { name: `Swoole, ${manner.mode}`, missing: swooleMissing, start };
}

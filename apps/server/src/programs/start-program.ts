import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { hasParent } from '@millrace/process-pool/internal';
import { Server } from '../api/server.js';
import { ROLE } from '../contract/role.js';
import { shareRegistry } from '../metrics/program-registries.js';
import type { ServerOptions } from '../options/options.js';
import { MAX_LISTENS } from './constants.js';
import { ProgramStart } from './program-start.js';
import { runMain } from './run-main.js';
import { watchUncaptured } from './uncaptured.js';
import { growYoungGeneration } from './young-generation.js';

/** A program that listens by itself, and is not written for this server. */
export interface Program {
  /** Its entry module, as it would be named to `node`: an absolute path. */
  readonly file: string;
  /** What it finds in `process.argv` behind that. */
  readonly args?: readonly string[];
  /** The directory that each process runs it in, by a path that is resolved anew. Default: the master's. */
  readonly cwd?: string;
  /** A file of variables as `--env-file` of Node takes it, read anew by each process; what is set already stays. */
  readonly envFile?: string;
  /** Variables that it does not find in its environment. */
  readonly without?: readonly string[];
  /** Options of the server that runs it. Where it listens, the program says. */
  readonly server?: Omit<ServerOptions, 'port' | 'path' | 'fd' | 'activation' | 'tls' | 'framing' | 'type'>;
}

/** What the caller has to do with the server that runs a program, in every process. */
export interface ProgramHooks {
  /** In processes below the master: the program as it is to be run from now on. What the processes share stays as it was. */
  readonly refresh?: (program: Program) => Promise<Program>;
  /** Before the server starts. */
  readonly prepare?: (server: Server) => void;
  /** In a worker, before the program is loaded. */
  readonly beforeProgram?: (server: Server) => void;
}

/**
 * Runs a program that listens by `net`, `http`, `https`, `http2` or `tls` in the workers of a server, unchanged: its `listen` is answered
 * by the master, and its clients outlive its processes. Every process of the server comes here, by the entry module that calls this.
 * Resolves in the master when the program listens in each worker, or has listened nowhere for ten seconds. Rejects as `server.start` does.
 */
export async function startProgram(given: Program, hooks: ProgramHooks = {}): Promise<Server> {
  const program = (hasParent() && (await hooks.refresh?.(given))) || given;
  const { file, args = [], server: options = {} } = program;
  const server = new Server({ ...options } as ServerOptions, MAX_LISTENS);
  server.on('workerStart', async () => {
    const role = server[ROLE];
    if (role?.name !== 'worker') return;
    growYoungGeneration();
    const capture = await role.captureListen();
    const start = new ProgramStart({ capture, file, isFirst: role.isFirst, log: server.log });
    enterSurroundings(program);
    watchUncaptured({
      onCluster: () => {
        capture.uninstall();
        start.listensByItself();
        server.log.warn(
          'the program starts processes by node:cluster: they listen by themselves, and their clients end with them',
        );
      },
      onDatagramSocket: (port) =>
        server.log.warn(
          { port },
          'the program has a UDP socket: each worker has one of its own, or fails to have it',
        ),
    });
    hooks.beforeProgram?.(server);
    await start.done(runMain(file, args));
  });
  hooks.prepare?.(server);
  // Before the first process is started.
  if (!hasParent()) await shareRegistry(file);
  await server.start();
  return server;
}

/** Before the program is loaded: where it runs, and what it finds in its environment. */
function enterSurroundings({ cwd, envFile, without = [] }: Program): void {
  if (cwd !== undefined) process.chdir(cwd);
  for (const name of without) delete process.env[name];
  if (envFile === undefined) return;
  for (const [name, value] of Object.entries(parseEnv(readFileSync(envFile, 'utf8'))))
    process.env[name] ??= value;
}

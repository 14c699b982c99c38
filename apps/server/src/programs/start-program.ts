import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { inherit } from '@millrace/process-pool';
import { hasParent } from '@millrace/process-pool/internal';
import { Server } from '../api/server.js';
import { ROLE, type RoleAssignment } from '../contract/role.js';
import { shareRegistry } from '../metrics/program-registries.js';
import { optionError } from '../options/option-error.js';
import type { ServerOptions } from '../options/options.js';
import { ProgramVersion } from '../process/program-version.js';
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
  /** A file of variables as `--env-file` of Node takes it, read at the start and at each reload; what is set already stays. */
  readonly envFile?: string;
  /** Variables that it does not find in its environment. */
  readonly without?: readonly string[];
  /** Options of the server that runs it. Where it listens, the program says. */
  readonly server?: Omit<ServerOptions, 'port' | 'path' | 'fd' | 'activation' | 'tls' | 'framing' | 'type'>;
}

/** A program as processes run it. */
export type RunProgram<P extends Program = Program> = P & {
  /** What its `envFile` held when it was read. */
  readonly variables: Readonly<Record<string, string>>;
};

/** What the caller has to do with the server that runs a program, in every process. */
export interface ProgramHooks<P extends Program = Program> {
  /**
   * In the manager, at each reload: the program as it is to be run by the processes that come from then on, in JSON. What the processes
   * share stays as it was. Where it throws the reload fails, and all goes on by what there was before.
   */
  readonly refresh?: (given: P) => Promise<P>;
  /** In the manager: the reload that is under way goes from one to the other. */
  readonly refreshed?: (before: RunProgram<P>, now: RunProgram<P>) => void;
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
export async function startProgram<P extends Program>(
  given: P,
  hooks: ProgramHooks<P> = {},
): Promise<Server> {
  // A process below the master reads no file for that: it runs what the others do.
  const handed = (inherit()?.data as RoleAssignment | undefined)?.program as
    | Partial<RunProgram<P>>
    | undefined;
  const read = handed ?? { variables: variablesOf(given) };
  const program = { ...given, ...read } as RunProgram<P>;
  const version = new ProgramVersion(read, async (current) => {
    const fresh = await hooks.refresh?.(given);
    const next = { ...fresh, variables: variablesOf(fresh ?? given) };
    const before = { ...given, ...(current as Partial<RunProgram<P>>) } as RunProgram<P>;
    hooks.refreshed?.(before, { ...given, ...next });
    return next;
  });
  const { file, args = [], server: options = {} } = program;
  const server = new Server({ ...options } as ServerOptions, MAX_LISTENS, version);
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
function enterSurroundings({ cwd, variables, without = [] }: RunProgram): void {
  if (cwd !== undefined) process.chdir(cwd);
  for (const name of without) delete process.env[name];
  for (const [name, value] of Object.entries(variables)) process.env[name] ??= value;
}

/** From the directory of the program, as that is now. Throws `ERR_MILLRACE_OPTION` where the file cannot be read. */
function variablesOf({ cwd = '.', envFile }: Program): Record<string, string> {
  if (envFile === undefined) return {};
  return { ...(parseEnv(textOf(resolve(cwd, envFile))) as Record<string, string>) };
}

function textOf(envFile: string): string {
  try {
    return readFileSync(envFile, 'utf8');
  } catch (error) {
    throw optionError(`The file of variables (envFile) cannot be read: ${(error as Error).message}`);
  }
}

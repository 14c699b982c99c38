import { resolve } from 'node:path';
import type { AdminOptions } from '@millrace/server';
import type { ProgramServerOptions } from '@millrace/server/program';
import { CommandError } from '../command-error.js';
import type { MillraceConfig } from './config.js';

/** By what workers are chosen. */
export type Dispatch = Pick<ProgramServerOptions, 'dispatchMode' | 'dispatchKey'>;

/** What `millrace start` is told, as commander names it. */
export interface StartFlags {
  readonly config?: string;
  readonly workers?: number;
  readonly maxWorkers?: number;
  readonly reactors?: number;
  readonly mode?: 'process' | 'base';
  readonly engine?: 'node' | 'lean';
  readonly dispatch?: Dispatch;
  readonly name?: string;
  readonly daemonize?: true;
  readonly watch?: true;
  readonly pidFile?: string;
  readonly logFile?: string;
  readonly logLevel?: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';
  readonly logFormat?: 'json' | 'pretty';
  readonly adminPort?: number;
  readonly adminHost?: string;
  readonly adminTokenFile?: string;
  readonly rawOutput?: true;
  readonly envFile?: string;
  readonly maxConnections?: number;
  readonly maxWait?: number;
  readonly retry?: true;
  readonly user?: string;
  readonly group?: string;
}

/** The options that flags stand for. */
export interface FlagOptions {
  readonly start: Pick<MillraceConfig, 'args' | 'name' | 'envFile'>;
  readonly server: ProgramServerOptions;
}

/** Paths of flags are paths from `cwd`. */
export function flagOptions(flags: StartFlags, args: readonly string[], cwd: string): FlagOptions {
  const { workers, maxWorkers, reactors, mode, engine, dispatch, name, pidFile, logFile, logLevel } = flags;
  const { logFormat, rawOutput } = flags;
  const { envFile, maxConnections, maxWait, retry, user, group } = flags;
  return {
    start: {
      ...(args.length > 0 && { args: [...args] }),
      ...(name !== undefined && { name }),
      ...(envFile !== undefined && { envFile: resolve(cwd, envFile) }),
    },
    server: {
      ...(mode !== undefined && { mode }),
      ...(engine !== undefined && { httpEngine: engine }),
      ...(logLevel !== undefined && { logLevel }),
      ...(logFormat && { logFormat }),
      ...(rawOutput && { programOutput: 'raw' as const }),
      ...(workers !== undefined && { workerNum: workers }),
      ...(maxWorkers !== undefined && { maxWorkerNum: maxWorkers }),
      ...(reactors !== undefined && { reactorNum: reactors }),
      ...dispatch,
      ...(pidFile !== undefined && { pidFile: resolve(cwd, pidFile) }),
      ...(logFile !== undefined && { logFile: resolve(cwd, logFile) }),
      ...(maxConnections !== undefined && { maxConnections }),
      ...(maxWait !== undefined && { maxWaitTime: maxWait }),
      ...(retry && { retryRequests: true }),
      ...(user !== undefined && { user }),
      ...(group !== undefined && { group }),
    },
  };
}

/** Where the admin interface is to be besides its unix socket. Throws where something is told of a port that is not asked for. */
export function adminFlags(
  { adminPort: port, adminHost: host, adminTokenFile: tokenFile }: StartFlags,
  cwd: string,
): Pick<AdminOptions, 'port' | 'host' | 'tokenFile'> {
  if (port === undefined && (host !== undefined || tokenFile !== undefined))
    throw new CommandError(
      'usage',
      `--admin-${host === undefined ? 'token-file' : 'host'} is of a port: --admin-port says which, 0 for a free one.`,
    );
  return {
    ...(port !== undefined && { port }),
    ...(host !== undefined && { host }),
    ...(tokenFile !== undefined && { tokenFile: resolve(cwd, tokenFile) }),
  };
}

import { accepts } from '../accepts.js';
import { type Child, startModule } from '../child.js';
import { freePort } from '../free-port.js';
import { startSwoole, swooleMissing } from '../swoole.js';
import { Announcements } from './announcements.js';

/** How the echo of a contender is built; each takes what it knows. */
export interface EchoOptions {
  readonly mode?: 'process' | 'base';
  readonly reactors?: number;
  readonly workers?: number;
  /** More than 0: the answer comes from a task. */
  readonly taskWorkers?: number;
  /** Whether workers answer by themselves all the same. */
  readonly direct?: boolean;
  /** Where it listens; any by default. */
  readonly port?: number;
  /** Whether a process waits for the end of each of our workers. */
  readonly standby?: boolean;
  /** Microseconds that our workers look before they sleep. */
  readonly spin?: number;
  /** Whether each worker of base mode has a listening socket of its own, among which the kernel chooses. */
  readonly reusePort?: boolean;
  /** How our tasks travel, and large values of them. */
  readonly taskTransport?: 'ring' | 'pipe';
  readonly taskLargeValues?: 'memory' | 'file';
  /** How Swoole's tasks travel. */
  readonly taskIpc?: 'socket' | 'queue';
  /** Whether its processes tell of themselves: see announcements.ts. */
  readonly announce?: boolean;
}

/** An echo that runs: its root process, and where it listens. */
export interface Running {
  readonly child: Child;
  /** What its processes tell of themselves, if they do. */
  readonly told: Announcements;
  readonly port: number;
}

/** An echo of length-prefixed messages that can be started. */
export interface Program {
  readonly name: string;
  readonly missing?: string | undefined;
  /** Resolves once it accepts; `cpus`: where it is to run, as `taskset` takes it. */
  readonly start: (cpus?: string) => Promise<Running>;
}

function ofModule(name: string, file: string, options: EchoOptions): Program {
  const start = async (cpus?: string) => {
    const child = startModule(new URL(file, import.meta.url), [JSON.stringify(options)], { cpus });
    const told = new Announcements(child);
    await told.until(({ port }) => port > 0);
    return { child, told, port: told.port };
  };
  return { name, start };
}

export function millrace(options: EchoOptions, name = `millrace, ${options.mode ?? 'process'}`): Program {
  return ofModule(name, './echo-millrace.js', options);
}

export const nodeNet: Program = netEcho({});

export function netEcho(options: EchoOptions): Program {
  return ofModule('node:net', './echo-net.js', options);
}

export function nodeCluster(workers: number, options: EchoOptions = {}): Program {
  const name = `node:cluster, ${workers} worker${workers === 1 ? '' : 's'}`;
  return ofModule(name, './echo-net.js', { ...options, workers });
}

/** Swoole, when `SWOOLE_SO` names the extension. */
export function swoole(options: EchoOptions, name = `Swoole, ${options.mode ?? 'process'}`): Program {
  const start = async (cpus?: string) => {
    const port = options.port ?? (await freePort());
    const child = startSwoole('server/echo-swoole.php', [port, JSON.stringify(options)], cpus);
    await accepts(port);
    return { child, told: new Announcements(child), port };
  };
  return { name, missing: swooleMissing, start };
}

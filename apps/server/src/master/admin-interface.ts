import { Alarm } from '@millrace/channel/internal';
import { type Exit, type Member, ProcessPool } from '@millrace/process-pool';
import {
  ADMIN_SIGNALS,
  type AdminAssignment,
  type AdminListener,
  type AdminSignal,
  INTERRUPTION,
} from '../admin/admin-assignment.js';
import {
  controlMessage,
  type FromAdmin,
  type ToAdmin,
  unknownMessage,
} from '../contract/control-messages.js';
import type { DiagnosisKind } from '../contract/diagnosis.js';
import { asPeer, type PeerId } from '../contract/ids.js';
import type { ReloadOptions, ReloadResult } from '../contract/reload.js';
import type { ScaleOptions, ScaleResult } from '../contract/scale.js';
import { ANSWER_FILE } from '../diagnosis/answer-file.js';
import {
  CONNECTIONS,
  COUNTERS,
  type Descriptors,
  LOG_RING,
  NUMBERS,
  sharedTableName,
  TLS,
  TRACE,
} from '../links/descriptor-names.js';
import { ringMemories } from '../links/server-plan.js';
import { managerPeer, type Topology } from '../links/topology.js';
import { OUTPUT_NAMES } from '../log/output-pipes.js';
import { restartCause } from '../manager/restart-cause.js';
import type { ResolvedAdmin } from '../options/admin-options.js';
import { isInherited } from '../options/port-options.js';
import type { ResolvedPort } from '../options/resolved-port.js';
import type { RoleContext } from '../process/role-context.js';
import { AdminSockets } from './admin-sockets.js';

/** What the admin process runs. Beside the other modules of this directory, and beside them all when they are one. */
const ADMIN_PROCESS = new URL('../dist/admin-process.js', import.meta.url);
/** Milliseconds that the admin process has for its end: it holds nothing that could be lost. */
const STOP_MS = 500;
const START_TIMEOUT_MS = 10_000;
/** Milliseconds that its start waits for clients to come in at most. */
const LONGEST_DELAY_MS = 1_000;

/** What the master does for the admin process. */
export interface AdminHost {
  reload(options: ReloadOptions): Promise<ReloadResult>;
  scale(options: ScaleOptions): Promise<ScaleResult>;
  shutdown(): void;
  pidOf(peer: PeerId): number | undefined;
  /** Has that process look into itself; the number of the order, which it answers in shared memory. */
  diagnose(peer: PeerId, pid: number, kind: DiagnosisKind): number | undefined;
}

/**
 * The admin process, in the master: a pool of its own, so that the server waits for it in nothing and goes on without it. It reads what it
 * tells from shared memory; what it wants to have done it asks here for.
 */
export class AdminInterface {
  readonly #context: RoleContext;
  readonly #topology: Topology;
  readonly #host: AdminHost;
  readonly #sockets: AdminSockets;
  #pool: ProcessPool | undefined;
  #closing = false;

  /** Throws `ERR_MILLRACE_ADMIN` and `ERR_MILLRACE_NAME_TAKEN`. */
  constructor(context: RoleContext, topology: Topology, host: AdminHost, options: ResolvedAdmin) {
    this.#context = context;
    this.#topology = topology;
    this.#host = host;
    this.#sockets = new AdminSockets(options);
  }

  /**
   * Starts the process when `clientsIn` resolves, so that it takes no processor time from the start; where that takes long, it tells of it. `shared`:
   * what is shared, by its name; `registries`: the names of the program's metrics.
   */
  start(shared: Descriptors, registries: readonly string[], clientsIn: Promise<void>): void {
    const { options } = this.#context;
    const { tables } = this.#topology;
    const more = [
      ANSWER_FILE,
      ...OUTPUT_NAMES,
      ...tables.map(sharedTableName),
      ...ringMemories(this.#topology),
    ];
    const memories = [COUNTERS, CONNECTIONS, LOG_RING, TRACE, TLS, NUMBERS, ...registries, ...more].flatMap(
      (memory) => {
        const fd = shared[memory];
        return fd === undefined ? [] : [[memory, fd] as const];
      },
    );
    const member = {
      name: 'admin',
      title: `${options.title}: admin`,
      entry: ADMIN_PROCESS,
      // What the program is run with is not for this one: it is no part of the program.
      execArgv: [],
      descriptors: { ...Object.fromEntries(memories), ...this.#sockets.descriptors },
      data: this.#assignment(registries),
      startTimeout: START_TIMEOUT_MS,
    };
    this.#pool = new ProcessPool([member], {
      onMessage: (process, body) => this.#heard(process, body),
      onExit: (_, exit, delay) => this.#exited(exit, delay),
    });
    const late = new Alarm(LONGEST_DELAY_MS, () => this.#begin());
    late.unref();
    void clientsIn.then(() => {
      late.cancel();
      this.#begin();
    });
  }

  #begin(): void {
    if (this.#closing || this.#pool === undefined || this.#pool.running) return;
    const { address, name, path } = this.#sockets;
    this.#context.log.info(
      { path, ...address },
      `the admin interface of '${name}' is at ${path}${address === undefined ? '' : ` and at ${urlOf(address)}`}`,
    );
    // What it ends of has a line already.
    this.#pool.start().catch(() => {});
  }

  /** Ends the process, at the end of everything else; idempotent. */
  async close(): Promise<void> {
    this.#closing = true;
    await this.#pool?.stop({ timeout: STOP_MS });
    this.#sockets.close();
  }

  #assignment(registries: readonly string[]): AdminAssignment {
    const { options, ports } = this.#context;
    const { mode, httpEngine, title, user, group, maxWaitTime, maxClientMemory, taskMaxQueue, tasks } =
      options;
    return {
      name: this.#sockets.name,
      title,
      mode,
      httpEngine,
      topology: this.#topology,
      registries,
      listeners: ports.map(listenerOf),
      address: this.#sockets.address,
      tokenHash: this.#sockets.tokenHash,
      user,
      group,
      maxWaitTime,
      maxClientMemory,
      tasks: Object.keys(tasks),
      taskMaxQueue,
    };
  }

  #heard(process: Member, body: unknown): void {
    const message = controlMessage<FromAdmin>(body, 'admin', this.#context);
    if (message === undefined) return;
    switch (message.type) {
      case 'reload':
        return void this.#reload(process, message.request, message.options);
      case 'scale':
        return void this.#scale(process, message.request, message.options);
      case 'shutdown':
        this.#context.log.info('the admin interface has been asked to stop the server');
        return this.#host.shutdown();
      case 'signal': {
        const { peer, pid, signal, request } = message;
        const sent = this.#signal(process, peer, pid, signal);
        return void process.send({ type: 'signalled', request, sent } satisfies ToAdmin);
      }
      case 'diagnosis': {
        const { peer, pid, kind, request } = message;
        const order = this.#diagnose(asPeer(peer), pid, kind);
        return void process.send({ type: 'diagnosing', request, order } satisfies ToAdmin);
      }
      default:
        unknownMessage(message, 'admin', this.#context);
    }
  }

  async #reload(process: Member, request: number, options: ReloadOptions): Promise<void> {
    this.#context.log.info('the admin interface has been asked for a reload');
    const result = await this.#host.reload(options);
    process.send({ type: 'reloaded', request, result } satisfies ToAdmin);
  }

  #diagnose(peer: PeerId, pid: number, kind: DiagnosisKind): number | undefined {
    if (this.#host.pidOf(peer) !== pid) return undefined;
    this.#context.log.info(
      { target: pid, kind },
      `the admin interface has been asked to look into a process: ${kind}`,
    );
    return this.#host.diagnose(peer, pid, kind);
  }

  async #scale(process: Member, request: number, options: ScaleOptions): Promise<void> {
    this.#context.log.info({ ...options }, 'the admin interface has been asked to scale the server');
    const result = await this.#host.scale(options);
    process.send({ type: 'scaled', request, result } satisfies ToAdmin);
  }

  /** Whether that process was there. A pid may be another process's by now: it has to be the peer's that is named with it. */
  #signal(admin: Member, peer: PeerId | undefined, pid: number, signal: string): boolean {
    if (signal !== INTERRUPTION && !ADMIN_SIGNALS.includes(signal as AdminSignal)) return false;
    const holder = peer === undefined ? admin.pid : this.#host.pidOf(asPeer(peer));
    if (holder !== pid || pid === process.pid) return false;
    if (signal === INTERRUPTION) return this.#interrupt(peer, pid);
    this.#context.log.warn(
      { target: pid, signal },
      `the admin interface has been asked to send ${signal} to a process`,
    );
    try {
      return process.kill(pid, signal as AdminSignal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
      throw error;
    }
  }

  /** A manager that has more rights than its workers is not interrupted: see open-diagnosis.ts. */
  #interrupt(peer: PeerId | undefined, pid: number): boolean {
    if (this.#topology.isOther && peer === managerPeer(this.#topology)) return false;
    try {
      return process.kill(pid, INTERRUPTION);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
      throw error;
    }
  }

  #exited(exit: Exit, delay: number | undefined): void {
    if (this.#closing) return;
    const { code, signal, error } = exit;
    const { log } = this.#context;
    const how = error ? `(${error.message})` : signal ? `by ${signal}` : `with code ${code}`;
    if (delay !== undefined) {
      this.#context.numbers.restarted('admin', restartCause(exit, false));
      return log.warn({ code, signal }, `the admin process ended ${how}; another one is started`);
    }
    log.error(
      { code, signal },
      `the admin process ended ${how} and is not started again; the server goes on without it`,
    );
    // Clients are told so at once, in the place of waiting.
    this.#sockets.close();
  }
}

function urlOf({ host, port }: { readonly host: string; readonly port: number }): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}/`;
}

function listenerOf(port: ResolvedPort): AdminListener {
  const { type, protocol, tls, host, path, late } = port;
  return {
    type,
    protocol,
    tls: tls !== undefined,
    ...(path === undefined && !late && { host }),
    path,
    inherited: isInherited(port),
    late,
  };
}

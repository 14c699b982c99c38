import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TransportOptions } from '@millrace/task-broker';
import { bullmq } from '@millrace/task-bullmq';
import { jetStream } from '@millrace/task-nats';
import type { RemoteTransport } from '@millrace/task-pool';
import { until } from '@millrace/testkit';

/** An engine's server, in a machine of its own, and how callers and hosts reach it. */
export interface EngineServer {
  readonly name: string;
  readonly queue: string;
  transport(options?: TransportOptions): RemoteTransport;
  start(keep: boolean): Promise<void>;
  signal(signal: NodeJS.Signals): void;
  stop(): Promise<void>;
  remove(): void;
}

abstract class Server {
  protected readonly directory = mkdtempSync(join(tmpdir(), 'millrace-engine-'));
  #process: ChildProcess | undefined;
  protected abstract readonly port: number;
  readonly #through: readonly string[];
  protected readonly address: string;

  constructor(address: string, through: readonly string[]) {
    this.address = address;
    this.#through = through;
  }

  protected abstract command(keep: boolean): readonly string[];

  async start(keep: boolean): Promise<void> {
    const [command, ...args] = [...this.#through, ...this.command(keep)] as [string, ...string[]];
    this.#process = spawn(command, args, { stdio: 'ignore' });
    await until('the engine to listen', () => isListening(this.address, this.port));
  }

  signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal);
  }

  async stop(): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

function isListening(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

export class RedisServer extends Server implements EngineServer {
  readonly name = 'BullMQ on Redis';
  protected readonly port = 6379;

  get queue(): string {
    return `redis://${this.address}:${this.port}`;
  }

  transport(options: TransportOptions = {}): RemoteTransport {
    return bullmq({ connection: this.queue, ...options });
  }

  protected command(keep: boolean): readonly string[] {
    const file = keep ? ['--appendonly', 'yes', '--appendfsync', 'always'] : ['--appendonly', 'no'];
    return ['redis-server', '--dir', this.directory, '--save', '', '--protected-mode', 'no', ...file];
  }
}

export class NatsServer extends Server implements EngineServer {
  readonly name = 'NATS JetStream';
  protected readonly port = 4222;
  #runs = 0;

  get queue(): string {
    return `nats://${this.address}:${this.port}`;
  }

  transport(options: TransportOptions = {}): RemoteTransport {
    return jetStream({ servers: this.queue, ...options });
  }

  protected command(keep: boolean): readonly string[] {
    // What it forgets is a directory that no later run has.
    const data = join(this.directory, keep ? 'kept' : `run-${this.#runs++}`);
    return ['nats-server', '-js', '-sd', data];
  }
}

export const ENGINES = { bullmq: RedisServer, nats: NatsServer } as const;

import { SystemCallError } from '@millrace/native';
import { AF_UNIX, encodeUnixAddress, SOCK_DGRAM, syscalls } from '@millrace/native/syscalls';
import { monotonicNow } from '../process/heartbeat.js';

/** How many times within the time that the watchdog has it is told that the server lives. */
const FEEDS = 4;
/** Milliseconds between two statuses, where there is no watchdog. */
const STATUS_MS = 10_000;
const MICROSECONDS = 1_000;

export interface ServiceManagerParts {
  /** Whether clients are accepted and served: a server that hangs is not to look as if it lived. */
  readonly works: () => boolean;
  /** How it is, in a few words. */
  readonly status: () => string;
  /** The service manager cannot be told. */
  readonly onError: (error: Error) => void;
}

/**
 * Tells systemd, or what does as it does, how the server is: by datagrams to the socket that `NOTIFY_SOCKET` names, as sd_notify(3) has it. The
 * variables are this process's alone: they are taken out of the environment, so that no process below speaks in its name.
 */
export class ServiceManager {
  readonly #address: string | undefined;
  readonly #parts: ServiceManagerParts;
  readonly #watchdogMs: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #reloads = 0;
  #state: 'starting' | 'running' | 'stopping' = 'starting';
  #hasFailed = false;

  constructor(parts: ServiceManagerParts, environment: NodeJS.ProcessEnv = process.env) {
    this.#parts = parts;
    const { NOTIFY_SOCKET: address, WATCHDOG_USEC: microseconds, WATCHDOG_PID: pid } = environment;
    for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']) delete environment[name];
    // A name of the abstract namespace is written with an @ for the NUL.
    this.#address = address?.replace(/^@/, '\0');
    const isOurs = pid === undefined || Number(pid) === process.pid;
    if (this.#address !== undefined && isOurs && Number(microseconds) > 0)
      this.#watchdogMs = Number(microseconds) / MICROSECONDS / FEEDS;
  }

  /** Clients are accepted from now on. */
  ready(): void {
    if (this.#address === undefined || this.#state !== 'starting') return;
    this.#state = 'running';
    this.#tell('READY=1', this.#status());
    this.#timer = setInterval(() => this.#feed(), this.#watchdogMs ?? STATUS_MS).unref();
  }

  /** From the beginning of a reload to its end. */
  async reloading<T>(reload: Promise<T>): Promise<T> {
    if (this.#address === undefined || this.#state !== 'running') return reload;
    this.#reloads++;
    if (this.#reloads === 1) {
      const at = Math.round(monotonicNow() * MICROSECONDS);
      this.#tell('RELOADING=1', `MONOTONIC_USEC=${at}`, 'STATUS=reloading');
    }
    try {
      return await reload;
    } finally {
      this.#reloads--;
      if (this.#reloads === 0 && (this.#state as string) === 'running') this.#tell('READY=1', this.#status());
    }
  }

  /** It ends. */
  stopping(): void {
    if (this.#address === undefined || this.#state === 'stopping') return;
    this.#state = 'stopping';
    this.#tell('STOPPING=1', 'STATUS=finishing what is under way');
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #feed(): void {
    const works = this.#state !== 'running' || this.#parts.works();
    const status = this.#state === 'running' && this.#reloads === 0 ? [this.#status()] : [];
    const fed = works && this.#watchdogMs !== undefined ? ['WATCHDOG=1'] : [];
    if (status.length + fed.length > 0) this.#tell(...fed, ...status);
  }

  #status(): string {
    return `STATUS=${this.#parts.status()}`;
  }

  #tell(...lines: readonly string[]): void {
    const text = Buffer.from(lines.join('\n'));
    let error: Error | undefined;
    try {
      const { bytes, length } = encodeUnixAddress({ path: this.#address as string });
      const socket = syscalls.socket(AF_UNIX, SOCK_DGRAM, 0);
      const sent = socket < 0 ? socket : syscalls.sendTo(socket, text, 0, text.length, bytes, length);
      if (socket >= 0) syscalls.close(socket);
      if (sent < 0) error = new SystemCallError('sendto', -sent, 'the NOTIFY_SOCKET of the service manager');
    } catch (cause) {
      error = cause as Error;
    }
    // It is said once: a watchdog would have it said again and again.
    if (error !== undefined && !this.#hasFailed) this.#parts.onError(error);
    this.#hasFailed = error !== undefined;
  }
}

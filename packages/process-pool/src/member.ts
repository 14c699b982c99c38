import { type ChildProcess, spawn } from 'node:child_process';
import type { Channel } from '@millrace/channel';
import { syscalls } from '@millrace/native';
import { createPipe, openPipe, type PipeDescriptors } from '@millrace/pipe-ipc';
import { BIRTH_VARIABLE, type Birth, CONTROL_FD, type ToChild, type ToParent } from './protocol.js';
import { type Exit, type RestartOptions, RestartPolicy } from './restart-policy.js';

/** The exit code of a process that could not be started, as shells have it. */
const NOT_STARTED = 127;

/** A process to keep alive. */
export interface MemberSpec {
  /** Names it among the members of its pool, in logs and to itself: `'worker 0'`. */
  readonly name: string;
  /** What `ps` shows. */
  readonly title: string;
  /** The module that it runs. */
  readonly entry: string;
  /** Arguments for the module. Default: none. */
  readonly args?: readonly string[];
  /** Options for Node itself. Default: none. */
  readonly execArgv?: readonly string[];
  /** Descriptors to hand down, by name; they stay open here. */
  readonly descriptors?: Readonly<Record<string, number>>;
  /** Anything that JSON can carry; the child finds it in its birth. */
  readonly data?: unknown;
  readonly restart?: RestartOptions;
}

/**
 * Where a member is in its life:
 *
 *   state      spawned     said ready   exited              stop asked     wait is over
 *   idle       → starting  –            –                   → stopped      –
 *   starting   –           → ready      → waiting, gave-up  → stopping     –
 *   ready      –           –            → waiting           → stopping     –
 *   waiting    –           –            –                   → stopped      → starting
 *   stopping   –           (ignored)    → stopped           (ignored)      –
 *   stopped    the end     –            –                   (ignored)      –
 *   gave-up    the end     –            –                   → stopped      –
 */
export type MemberState = 'idle' | 'starting' | 'ready' | 'waiting' | 'stopping' | 'stopped' | 'gave-up';

export interface MemberEvents {
  ready(member: Member): void;
  message(member: Member, body: unknown): void;
  /** The process has ended; `delay` is how long the next waits to start, undefined when there is no next. */
  exit(member: Member, exit: Exit, delay: number | undefined): void;
  gaveUp(member: Member, exit: Exit): void;
}

/** One supervised process, under the same name through all its incarnations. */
export class Member {
  readonly spec: MemberSpec;
  readonly #events: MemberEvents;
  readonly #policy: RestartPolicy;
  #state: MemberState = 'idle';
  #incarnation = 0;
  #child: ChildProcess | undefined;
  #control: Channel<ToChild, ToParent> | undefined;
  #startedAt = 0;
  #backOff: NodeJS.Timeout | undefined;
  #lastExit: Exit | undefined;

  constructor(spec: MemberSpec, events: MemberEvents) {
    this.spec = spec;
    this.#events = events;
    this.#policy = new RestartPolicy(spec.restart);
  }

  get name(): string {
    return this.spec.name;
  }

  get state(): MemberState {
    return this.#state;
  }

  /** How many processes have had this name, the present one included. */
  get incarnation(): number {
    return this.#incarnation;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** How the process before this one ended. */
  get lastExit(): Exit | undefined {
    return this.#lastExit;
  }

  start(): void {
    if (this.#state !== 'idle' && this.#state !== 'waiting') return;
    this.#state = 'starting';
    this.#incarnation++;
    this.#startedAt = performance.now();
    try {
      this.#open(createPipe());
    } catch (error) {
      // After this call, as any end of a process comes.
      setImmediate(() => this.#exited(NOT_STARTED, null, error as Error));
    }
  }

  #open(pipe: PipeDescriptors): void {
    let child: ChildProcess;
    try {
      child = this.#spawn(pipe.right);
    } catch (error) {
      syscalls.close(pipe.left);
      throw error;
    } finally {
      syscalls.close(pipe.right);
    }
    this.#child = child;
    const control = openPipe<ToChild, ToParent>(pipe.left);
    this.#control = control;
    control.onMessage((message) => {
      if (message.type === 'ready') this.#ready();
      else this.#events.message(this, message.body);
    });
    // A process that could not be started gives 'error' and no 'exit': either ends this incarnation, once.
    const ended = (code: number | null, signal: NodeJS.Signals | null, error?: Error) => {
      if (this.#child !== child) return;
      this.#child = undefined;
      // What it said last is still in the pipe.
      control.deliverNow();
      control.destroy();
      this.#exited(code, signal, error);
    };
    child.once('exit', (code, signal) => ended(code, signal));
    child.once('error', (error) => ended(NOT_STARTED, null, error));
  }

  /** Says `body` to the process; false when there is none. */
  send(body: unknown): boolean {
    return this.#tell({ type: 'message', body });
  }

  /** Asks the process to end, in the manner `mode`; it is not started again. */
  stop(mode: string): void {
    clearTimeout(this.#backOff);
    if (this.#state === 'stopping' || this.#state === 'stopped') return;
    // While it starts without a process, its failure is about to be told; then it is over.
    if (this.#child === undefined && this.#state !== 'starting') {
      this.#state = 'stopped';
      return;
    }
    this.#state = 'stopping';
    if (this.#child === undefined) return;
    if (!this.#tell({ type: 'stop', mode })) this.kill('SIGKILL');
  }

  kill(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  #tell(message: ToChild): boolean {
    const control = this.#control;
    if (control === undefined || control.closed) return false;
    try {
      control.send(message);
      control.flush();
      return true;
    } catch (error) {
      // Closed between the check and the send, or the process has not read its control pipe for very long.
      const { code } = error as { code?: string };
      if (code === 'ERR_MILLRACE_CHANNEL_CLOSED' || code === 'ERR_MILLRACE_CHANNEL_FULL') return false;
      throw error;
    }
  }

  #ready(): void {
    if (this.#state !== 'starting') return;
    this.#state = 'ready';
    this.#events.ready(this);
  }

  #exited(code: number | null, signal: NodeJS.Signals | null, error?: Error): void {
    const uptime = performance.now() - this.#startedAt;
    const exit: Exit = { code, signal, wasReady: this.#state === 'ready', uptime, error };
    this.#lastExit = exit;
    if (this.#state === 'stopping') {
      this.#state = 'stopped';
      this.#events.exit(this, exit, undefined);
      return;
    }
    const decision = this.#policy.decide(exit);
    if (decision.action === 'give-up') {
      this.#state = 'gave-up';
      this.#events.exit(this, exit, undefined);
      this.#events.gaveUp(this, exit);
      return;
    }
    this.#state = 'waiting';
    this.#events.exit(this, exit, decision.delay);
    if (this.state !== 'waiting') return;
    if (decision.delay === 0) this.start();
    else this.#backOff = setTimeout(() => this.start(), decision.delay);
  }

  #spawn(control: number): ChildProcess {
    const { name, title, entry, args = [], execArgv = [], descriptors = {}, data } = this.spec;
    const names = Object.keys(descriptors);
    const birth: Birth = {
      name,
      incarnation: this.#incarnation,
      parent: process.pid,
      descriptors: Object.fromEntries(names.map((key, i) => [key, CONTROL_FD + 1 + i])),
      data,
    };
    // The title is an argument, so that its place in memory is large enough for it.
    return spawn(process.execPath, [`--title=${title}`, ...execArgv, entry, ...args], {
      stdio: ['ignore', 'inherit', 'inherit', control, ...Object.values(descriptors)],
      env: { ...process.env, [BIRTH_VARIABLE]: JSON.stringify(birth) },
    });
  }
}

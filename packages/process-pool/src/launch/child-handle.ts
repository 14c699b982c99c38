import { type ChildProcess, spawn } from 'node:child_process';
import { resolve } from 'node:path';
import type { TransportChannel } from '@millrace/channel';
import { syscalls } from '@millrace/native/syscalls';
import { createPipe, openPipe } from '@millrace/pipe-ipc';
import { ProcessPoolError } from '../errors.js';
import {
  type AheadOrder,
  type Assignment,
  hasValidFields,
  isControlMessage,
  SPAWN_INFO_VARIABLE,
  type SpawnInfo,
  type ToChild,
  type ToParent,
} from '../wire/protocol.js';
import { AssignmentSender } from './assignment-sender.js';
import { nodeStart, pathOf } from './node-options.js';
import type { LaunchSpec } from './spec.js';

/** The exit code of a process that could not be started, as shells have it. */
const NOT_STARTED = 127;
const STANDARD: NonNullable<LaunchSpec['stdio']> = ['ignore', 'inherit', 'inherit'];
/** Messages that wait until the process has its assignment; more are refused. */
const MAX_QUEUED = 10_000;

/** How a process ended. */
export interface ChildEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly error: Error | undefined;
}

export interface ChildHandleEvents {
  message(message: ToParent): void;
  ended(end: ChildEnd): void;
}

/**
 * One child process from its start to its end, and its control pipe. It starts unassigned, and waits in `inherit` for its
 * assignment to a {@link Member}: a new process gets it at once, a spare when a member needs one.
 */
export class ChildHandle {
  readonly process: ChildProcess | undefined;
  readonly #control: TransportChannel<ToChild, ToParent> | undefined;
  readonly #controlFd: number = -1;
  #events: ChildHandleEvents | undefined;
  #isLoaded = false;
  #sender: AssignmentSender | undefined;
  /** Messages to send after the assignment; undefined: it has been sent. */
  #queued: ToChild[] | undefined = [];
  #killedFor: Error | undefined;
  #stopAsked = false;
  #ended = false;
  /** Resolves when it has ended. */
  readonly gone: Promise<void>;
  #isGone!: () => void;

  /**
   * `title` is what `ps` shows until the process is assigned; `isAwaited`: it is assigned at once, as no spare is; `below`: what it starts
   * before it is.
   */
  constructor(launch: LaunchSpec, title: string, isAwaited: boolean, below?: AheadOrder) {
    this.gone = new Promise((resolve) => {
      this.#isGone = resolve;
    });
    try {
      const pipe = createPipe();
      try {
        this.process = start(launch, title, pipe.right, { isAwaited, below });
      } catch (error) {
        syscalls.close(pipe.left);
        throw error;
      } finally {
        syscalls.close(pipe.right);
      }
      this.#controlFd = pipe.left;
    } catch (error) {
      // Asynchronously, as every other end of a process.
      setImmediate(() => this.#end(NOT_STARTED, null, error as Error));
      return;
    }
    const control = openPipe<ToChild, ToParent>(this.#controlFd, {
      onBadDatagram: (error) => this.#rejectMessage(error),
    });
    this.#control = control;
    control.on('badMessage', (error) => this.#rejectMessage(error as Error));
    control.on('message', (message) => {
      if (!isControlMessage(message)) this.#rejectMessage(new TypeError('it has no kind'));
      else if (!hasValidFields(message)) return;
      else if (message.type === 'loaded') this.#onLoaded();
      else this.#events?.message(message);
    });
    // The process has executed another program, which understands signals only.
    control.on('close', () => {
      if (this.#stopAsked && !this.#ended) this.kill('SIGTERM');
    });
    // A process that could not be started emits 'error' and no 'exit'.
    this.process.once('exit', (code, signal) => this.#end(code, signal));
    this.process.on('error', (error) => {
      if (this.pid === undefined) this.#end(NOT_STARTED, null, error);
      // A signal could not be sent: the end of the process carries the reason.
      else this.#killedFor ??= error;
    });
  }

  get pid(): number | undefined {
    return this.process?.pid;
  }

  /** Whether the entry module has been loaded as far as `inherit`, which waits for the assignment. */
  get isLoaded(): boolean {
    return this.#isLoaded;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Sets the receiver of its events: the spares at first, then a run of a member. */
  observe(events: ChildHandleEvents): void {
    this.#events = events;
  }

  /** Assigns the process to a member as soon as it waits for that. `descriptors` are those that the assignment names. */
  assign(assignment: Assignment, descriptors: readonly number[], onSent?: () => void): void {
    this.#sender = new AssignmentSender(this.#controlFd, assignment, descriptors, {
      sent: () => {
        onSent?.();
        this.#sendQueued();
      },
      failed: (error) => this.killFor(error),
    });
    if (this.#isLoaded) this.#sender.send();
  }

  /**
   * False: accepted, but more waits than the process reads. Undefined: not accepted, since the process has ended, or its control
   * pipe is full.
   */
  send(message: ToChild): boolean | undefined {
    if (this.#ended || this.#control === undefined) return undefined;
    if (this.#queued !== undefined) {
      if (this.#queued.length >= MAX_QUEUED) return undefined;
      this.#queued.push(message);
      return true;
    }
    try {
      const more = this.#control.send(message);
      this.#control.flush();
      return more;
    } catch (error) {
      // The process does not read its control pipe: an expected outcome here, and no error of the sender's.
      if ((error as { code?: string }).code === 'ERR_MILLRACE_CHANNEL_FULL') return undefined;
      throw error;
    }
  }

  /** Asks the process to shut down gracefully; an unassigned one is simply ended. */
  stop(mode: string): void {
    this.#stopAsked = true;
    if (this.#queued !== undefined) this.dismiss();
    else if (this.send({ type: 'stop', mode }) === undefined)
      // Closed: it has executed another program. Full: it does not read its control pipe.
      this.kill(this.#control?.closed ? 'SIGTERM' : 'SIGKILL');
  }

  /** Ends an unassigned process, whether it boots, loads or waits. */
  dismiss(): void {
    this.kill('SIGTERM');
    // A handler may hold SIGTERM off; the end of the control pipe ends the process all the same.
    this.#sender?.cancel();
    this.#control?.destroy();
  }

  /** Has what the process has said be heard now: it says no more. */
  hearLast(): void {
    this.#control?.deliverNow();
  }

  /** Whether it keeps the loop of this process alive. Default: it does. */
  keepLoop(on: boolean): void {
    for (const handle of [this.process, this.#control]) {
      if (on) handle?.ref();
      else handle?.unref();
    }
  }

  kill(signal: NodeJS.Signals): void {
    this.process?.kill(signal);
  }

  /** Kills the process; its end carries `reason` as the error. */
  killFor(reason: Error): void {
    this.#killedFor ??= reason;
    this.kill('SIGKILL');
  }

  /** A malformed control message comes of a fault that may have corrupted anything in the process: it is killed and replaced. */
  #rejectMessage(error: Error): void {
    const reason = `Process ${this.pid} has sent a malformed control message and is killed: ${error.message}`;
    this.killFor(new ProcessPoolError('ERR_MILLRACE_BAD_CONTROL', reason, { cause: error }));
  }

  #onLoaded(): void {
    this.#isLoaded = true;
    this.#events?.message({ type: 'loaded' });
    this.#sender?.send();
  }

  #sendQueued(): void {
    const queued = this.#queued ?? [];
    this.#queued = undefined;
    for (const message of queued) this.send(message);
  }

  #end(code: number | null, signal: NodeJS.Signals | null, error?: Error): void {
    if (this.#ended) return;
    // Its last messages may still be in the pipe.
    this.hearLast();
    this.#ended = true;
    this.#sender?.cancel();
    // Before anything is given up: the next process is begun there, and clients may wait for it.
    this.#events?.ended({ code, signal, error: error ?? this.#killedFor });
    this.#control?.destroy();
    this.#isGone();
  }
}

function start(
  launch: LaunchSpec,
  title: string,
  control: number,
  told: Pick<SpawnInfo, 'isAwaited' | 'below'>,
): ChildProcess {
  const { entry, args = [], execArgv, env = {}, cwd, stdio = STANDARD, preload } = launch;
  const { options, directory, workingDirectory } = nodeStart(execArgv, cwd, preload);
  const info: SpawnInfo = { parent: process.pid, startedIn: directory, workingDirectory, ...told };
  const path = workingDirectory === undefined ? pathOf(entry) : resolve(workingDirectory, pathOf(entry));
  // The title is an argument, so that `ps` shows it from the start.
  return spawn(process.execPath, [`--title=${title}`, ...options, path, ...args], {
    stdio: [...stdio, control],
    env: { ...process.env, ...env, [SPAWN_INFO_VARIABLE]: JSON.stringify(info) },
    cwd: directory,
  });
}

/** Processes with the same key are interchangeable until they are assigned. */
export function launchKey({ entry, args, execArgv, env, cwd, stdio, preload }: LaunchSpec): string {
  return JSON.stringify([
    pathOf(entry),
    args ?? [],
    execArgv ?? null,
    env ?? {},
    cwd ?? null,
    stdio ?? STANDARD,
    preload ?? null,
  ]);
}

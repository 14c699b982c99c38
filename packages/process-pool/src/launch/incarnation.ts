import { type ChildProcess, spawn } from 'node:child_process';
import { resolve } from 'node:path';
import type { TransportChannel } from '@millrace/channel';
import { syscalls } from '@millrace/native';
import { createPipe, openPipe } from '@millrace/pipe-ipc';
import { ProcessPoolError } from '../errors.js';
import {
  type Birth,
  CALL_VARIABLE,
  type Call,
  hasValidFields,
  isControlMessage,
  type ToChild,
  type ToParent,
} from '../wire/protocol.js';
import { BirthSender } from './birth-sender.js';
import { nodeStart, pathOf } from './node-options.js';
import type { LaunchSpec } from './spec.js';

/** The exit code of a process that could not be started, as shells have it. */
const NOT_STARTED = 127;
const STANDARD: NonNullable<LaunchSpec['stdio']> = ['ignore', 'inherit', 'inherit'];
/** Messages for a process that has not been born yet; more are refused. */
const MAX_UNSAID = 10_000;

/** How a process came to its end. */
export interface End {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly error: Error | undefined;
}

export interface IncarnationEvents {
  said(message: ToParent): void;
  ended(end: End): void;
}

/**
 * One process, from its start to its end: a control pipe and what goes over it. It is nobody at first, and waits for
 * its birth (in `inherit`); a {@link Member} gives it that at once or, when it is a spare, some day.
 */
export class Incarnation {
  readonly process: ChildProcess | undefined;
  readonly #control: TransportChannel<ToChild, ToParent> | undefined;
  readonly #controlFd: number = -1;
  #events: IncarnationEvents | undefined;
  #waiting = false;
  #born: BirthSender | undefined;
  /** Said before the birth was: it comes after it. */
  #unsaid: ToChild[] | undefined = [];
  #killedFor: Error | undefined;
  #stopAsked = false;
  #ended = false;
  /** Resolves when it has ended. */
  readonly gone: Promise<void>;
  #isGone!: () => void;

  /** `title` is what `ps` shows until it is somebody. */
  constructor(launch: LaunchSpec, title: string) {
    this.gone = new Promise((resolve) => {
      this.#isGone = resolve;
    });
    try {
      const pipe = createPipe();
      try {
        this.process = start(launch, title, pipe.right);
      } catch (error) {
        syscalls.close(pipe.left);
        throw error;
      } finally {
        syscalls.close(pipe.right);
      }
      this.#controlFd = pipe.left;
    } catch (error) {
      // After this call, as any end of a process comes.
      setImmediate(() => this.#end(NOT_STARTED, null, error as Error));
      return;
    }
    const control = openPipe<ToChild, ToParent>(this.#controlFd, {
      onBadDatagram: (error) => this.#makesNoSense(error),
    });
    this.#control = control;
    control.onBadMessage((error) => this.#makesNoSense(error as Error));
    control.onMessage((message) => {
      if (!isControlMessage(message)) this.#makesNoSense(new TypeError('A control message has no kind.'));
      else if (!hasValidFields(message)) return;
      else if (message.type === 'waiting') this.#isWaiting();
      else this.#events?.said(message);
    });
    // Another program has taken its place: it knows of signals only.
    control.onClose(() => {
      if (this.#stopAsked && !this.#ended) this.kill('SIGTERM');
    });
    // A process that could not be started gives 'error' and no 'exit': either ends it, once.
    this.process.once('exit', (code, signal) => this.#end(code, signal));
    this.process.on('error', (error) => {
      if (this.pid === undefined) this.#end(NOT_STARTED, null, error);
      // A signal could not be sent: the end of the process will tell.
      else this.#killedFor ??= error;
    });
  }

  get pid(): number | undefined {
    return this.process?.pid;
  }

  /** Whether its entry module has been loaded as far as `inherit`. */
  get waiting(): boolean {
    return this.#waiting;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Who hears of it; a spare changes hands. */
  listen(events: IncarnationEvents): void {
    this.#events = events;
  }

  /** Makes it somebody, once it waits for that. The descriptors are those that the birth names. */
  bear(birth: Birth, descriptors: readonly number[]): void {
    this.#born = new BirthSender(this.#controlFd, birth, descriptors, {
      sent: () => this.#sayUnsaid(),
      failed: (error) => this.killFor(error),
    });
    if (this.#waiting) this.#born.send();
  }

  /** False when it does not hear it: it has ended, or has not listened for very long. */
  tell(message: ToChild): boolean {
    if (this.#ended || this.#control === undefined || this.#control.closed) return false;
    if (this.#unsaid !== undefined) {
      if (this.#unsaid.length >= MAX_UNSAID) return false;
      this.#unsaid.push(message);
      return true;
    }
    try {
      this.#control.send(message);
      this.#control.flush();
      return true;
    } catch (error) {
      // Closed between the check and the send, or the process has not read its control pipe for very long.
      const { code } = error as { code?: string };
      if (code === 'ERR_MILLRACE_CHANNEL_CLOSED' || code === 'ERR_MILLRACE_CHANNEL_FULL') return false;
      throw error;
    }
  }

  /** Ends it in the orderly way where it can be asked; one that is nobody yet has nothing to put in order. */
  stop(mode: string): void {
    this.#stopAsked = true;
    if (this.#unsaid !== undefined) this.dismiss();
    else if (!this.tell({ type: 'stop', mode }))
      // Closed: another program has taken its place. Full: it has not listened for very long.
      this.kill(this.#control?.closed ? 'SIGTERM' : 'SIGKILL');
  }

  /** Ends a process that is nobody: whether it boots, loads or waits. */
  dismiss(): void {
    this.kill('SIGTERM');
    // It may hold SIGTERM off while it waits; the end of its pipe it cannot.
    this.#born?.cancel();
    this.#control?.destroy();
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

  /** Kills it for a reason that its end is to tell. */
  killFor(reason: Error): void {
    this.#killedFor ??= reason;
    this.kill('SIGKILL');
  }

  /** What it says on its control pipe can come of a fault only, which may have spared nothing: another takes its place. */
  #makesNoSense(error: Error): void {
    const reason = `What process ${this.pid} says on its control pipe makes no sense: ${error.message}`;
    this.killFor(new ProcessPoolError('ERR_MILLRACE_BAD_CONTROL', reason, { cause: error }));
  }

  #isWaiting(): void {
    this.#waiting = true;
    this.#events?.said({ type: 'waiting' });
    this.#born?.send();
  }

  #sayUnsaid(): void {
    const unsaid = this.#unsaid ?? [];
    this.#unsaid = undefined;
    for (const message of unsaid) this.tell(message);
  }

  #end(code: number | null, signal: NodeJS.Signals | null, error?: Error): void {
    if (this.#ended) return;
    // What it said last is still in the pipe.
    this.#control?.deliverNow();
    this.#ended = true;
    this.#born?.cancel();
    this.#control?.destroy();
    this.#events?.ended({ code, signal, error: error ?? this.#killedFor });
    this.#isGone();
  }
}

function start(launch: LaunchSpec, title: string, control: number): ChildProcess {
  const { entry, args = [], execArgv, env = {}, cwd, stdio = STANDARD } = launch;
  const { options, directory, settleIn } = nodeStart(execArgv, cwd);
  const call: Call = { parent: process.pid, startedIn: directory, settleIn };
  const path = settleIn === undefined ? pathOf(entry) : resolve(settleIn, pathOf(entry));
  // The title is an argument, so that `ps` shows it from the first moment on.
  return spawn(process.execPath, [`--title=${title}`, ...options, path, ...args], {
    stdio: [...stdio, control],
    env: { ...process.env, ...env, [CALL_VARIABLE]: JSON.stringify(call) },
    cwd: directory,
  });
}

/** Processes with the same key can take each other's place. */
export function launchKey({ entry, args, execArgv, env, cwd, stdio }: LaunchSpec): string {
  return JSON.stringify([
    pathOf(entry),
    args ?? [],
    execArgv ?? null,
    env ?? {},
    cwd ?? null,
    stdio ?? STANDARD,
  ]);
}

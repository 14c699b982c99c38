import { randomInt } from 'node:crypto';
import { checkOptions, checkWait, optionNames, WAIT_OPTION_NAMES } from '@millrace/channel';
import { Alarm } from '@millrace/channel/internal';
import { checkHandler } from '../contract/events.js';
import type { ProcessId, RoleName } from '../contract/ids.js';
import { ServerError } from '../errors.js';

/** Milliseconds that a process has to answer, unless the asker says otherwise. */
const DEFAULT_TIMEOUT_MS = 5_000;
/** Askers are told apart by a number from 0 to this one. */
const TOKENS = 2 ** 47;

export const COMMAND_ROLES = ['master', 'manager', 'worker', 'taskWorker', 'userProcess'] as const;

export interface CommandOptions {
  /** Milliseconds until `ERR_MILLRACE_COMMAND_TIMEOUT`; Infinity: none. Default 5,000. */
  readonly timeout?: number;
  /** Gives up when it aborts, with its reason as the error. */
  readonly signal?: AbortSignal;
}

const COMMAND_OPTIONS = optionNames<CommandOptions>(WAIT_OPTION_NAMES);

/** A command's value may be left out where its handler does without. */
type ValueAndOptions<V> = undefined extends V
  ? [value?: V, options?: CommandOptions]
  : [value: V, options?: CommandOptions];

/** What `addCommand` gives, the same in every process. */
export interface Command<V, R> {
  readonly name: string;
  /** Has `target` run the command; see `server.command`. */
  run(target: ProcessId, ...rest: ValueAndOptions<V>): Promise<Awaited<R>>;
}

/** What travels between two processes for a command; `token` tells askers of one name apart, of which some are dead. */
export type CommandFrame =
  | Ask
  | { readonly answer: number; readonly token: number; readonly value: unknown }
  /** The codec carries what an error is called and says, and not its code. */
  | { readonly answer: number; readonly token: number; readonly error: unknown; readonly code: unknown };

/** Whether a value has the form of a frame: what has come from another process may be anything. */
export function isCommandFrame(value: unknown): value is CommandFrame {
  if (typeof value !== 'object' || value === null) return false;
  const { token, ask, answer, name } = value as Record<string, unknown>;
  if (typeof token !== 'number') return false;
  return 'ask' in value ? typeof ask === 'number' && typeof name === 'string' : typeof answer === 'number';
}

interface Ask {
  readonly ask: number;
  readonly token: number;
  readonly name: string;
  readonly value: unknown;
}

export interface CommandsParts {
  /** Undefined: not sent, since this process has ended its messages. */
  readonly send: (frame: CommandFrame, to: ProcessId) => boolean | undefined;
  /** Whether that is this process. */
  readonly isOwn: (id: ProcessId) => boolean;
  /** Throws `ERR_MILLRACE_NO_PROCESS`. */
  readonly roleOf: (id: ProcessId) => RoleName;
  readonly onFault: (error: unknown, name: string) => void;
}

interface Registered {
  readonly where: readonly RoleName[];
  readonly handler: (value: unknown) => unknown;
}

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** Functions that one process of the server has another run. */
export class Commands {
  readonly #parts: CommandsParts;
  readonly #registered = new Map<string, Registered>();
  readonly #waiting = new Map<number, Waiting>();
  readonly #running = new Set<Promise<void>>();
  readonly #token = randomInt(TOKENS);
  #next = 0;

  constructor(parts: CommandsParts) {
    this.#parts = parts;
  }

  get some(): boolean {
    return this.#registered.size > 0;
  }

  /** Throws `ERR_MILLRACE_OPTION`. */
  add(name: string, where: readonly RoleName[], handler: (value: unknown) => unknown): void {
    if (this.#registered.has(name)) throw option(`There is a command '${name}' already.`);
    const wrong = where.find((role) => !COMMAND_ROLES.includes(role));
    if (wrong !== undefined || where.length === 0) {
      const shown = where.length === 0 ? 'nowhere' : `in '${wrong}'`;
      throw option(`The command '${name}' cannot be ${shown}: allowed are ${COMMAND_ROLES.join(', ')}.`);
    }
    checkHandler(`the command '${name}'`, handler);
    this.#registered.set(name, { where, handler });
  }

  /** Rejects with what the handler throws there, and as `server.command` says. */
  async run(name: string, target: ProcessId, value: unknown, options: CommandOptions = {}): Promise<unknown> {
    checkOptions(options, COMMAND_OPTIONS, 'A command');
    const { timeout = DEFAULT_TIMEOUT_MS, signal } = options;
    checkWait({ signal, timeout });
    const { where, handler } = this.#find(name);
    const role = this.#parts.roleOf(target);
    if (!where.includes(role))
      throw unknown(`The command '${name}' is for ${where.join(', ')}; ${target} is a ${role}.`);
    if (this.#parts.isOwn(target)) return handler(value);
    // No process answers in no time: it need not be asked.
    if (timeout === 0) throw late(name, target, timeout);
    const ask = this.#next++;
    let alarm: Alarm | undefined;
    let abort: (() => void) | undefined;
    try {
      return await new Promise((resolve, reject) => {
        this.#waiting.set(ask, { resolve, reject });
        alarm = new Alarm(timeout, () => reject(late(name, target, timeout)));
        abort = () => reject(signal?.reason);
        signal?.addEventListener('abort', abort);
        this.#send({ ask, token: this.#token, name, value }, target);
      });
    } finally {
      this.#waiting.delete(ask);
      alarm?.cancel();
      if (abort) signal?.removeEventListener('abort', abort);
    }
  }

  received(source: ProcessId, frame: CommandFrame): void {
    if ('ask' in frame) {
      const running = this.#answer(source, frame).finally(() => this.#running.delete(running));
      this.#running.add(running);
      return;
    }
    // It was for a process of this name that is no more, or comes after its time.
    if (frame.token !== this.#token) return;
    const waiting = this.#waiting.get(frame.answer);
    if ('error' in frame) {
      const { error, code } = frame;
      waiting?.reject(error instanceof Error && code !== undefined ? Object.assign(error, { code }) : error);
    } else waiting?.resolve(frame.value);
  }

  /** Resolves when the handlers that run have answered. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  /** No answer will come any more. */
  close(): void {
    for (const { reject } of this.#waiting.values()) reject(ended());
  }

  #send(frame: CommandFrame, to: ProcessId): void {
    if (this.#parts.send(frame, to) === undefined) throw ended();
  }

  async #answer(source: ProcessId, { ask, token, name, value }: Ask): Promise<void> {
    const reply = { answer: ask, token };
    try {
      const result = await this.#find(name).handler(value);
      this.#send({ ...reply, value: result }, source);
    } catch (error) {
      try {
        this.#send({ ...reply, error, code: codeOf(error) }, source);
      } catch (fault) {
        // Not even that can be sent: its asker waits until its time is up.
        this.#parts.onFault(new AggregateError([error, fault]), name);
      }
    }
  }

  #find(name: string): Registered {
    const found = this.#registered.get(name);
    if (found) return found;
    const known = [...this.#registered.keys()].join(', ') || 'none';
    throw unknown(`There is no command '${name}'; there are: ${known}.`);
  }
}

function codeOf(error: unknown): string | undefined {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === 'string' ? code : undefined;
}

function option(message: string): ServerError {
  return new ServerError('ERR_MILLRACE_OPTION', message);
}

function unknown(message: string): ServerError {
  return new ServerError('ERR_MILLRACE_NO_COMMAND', message);
}

function ended(): ServerError {
  return new ServerError('ERR_MILLRACE_NOT_RUNNING', 'The server has ended before the command was answered.');
}

function late(name: string, target: ProcessId, timeout: number): ServerError {
  const message = `No answer of ${target} to the command '${name}' within ${timeout} ms.`;
  return new ServerError('ERR_MILLRACE_COMMAND_TIMEOUT', message);
}

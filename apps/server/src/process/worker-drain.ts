import { Alarm } from '@millrace/channel/internal';
import type { ChildProcessContext } from '@millrace/process-pool';
import { WORKER_EXIT_MS } from '../constants.js';
import { runInOrder } from '../contract/events.js';
import type { RoleContext } from './role-context.js';
import type { RoleLease } from './role-lease.js';
import { exitBySigterm } from './termination.js';

export interface WorkerDrainParts {
  readonly context: RoleContext;
  readonly child: ChildProcessContext;
  readonly lease: RoleLease;
  readonly workerId: number;
  /** Takes nothing more, and resolves when what was in hand is done and sent. */
  readonly finish: () => Promise<void>;
  /** What it has in hand, in words; empty when nothing. */
  readonly inHand: () => readonly string[];
  /** Whether it waits, once that is done, until its loop has nothing left. Default: it does. */
  readonly lingers?: (() => boolean) | undefined;
}

export interface LeavingOptions {
  readonly linger?: boolean;
  readonly bySignal?: boolean;
}

/**
 * The orderly end of a worker or task worker:
 *
 *   finishes what it has → gives up its place → while timers, sockets or files keep its loop: workerExit → workerStop → exit
 *
 * `maxWaitTime` after it was asked it goes on to workerStop whatever it waits for, and says what that was. The manager
 * kills it a moment later, when its loop is blocked and this has not run.
 */
export class WorkerDrain {
  readonly #parts: WorkerDrainParts;
  #asked = false;
  #bySignal = false;
  #ending: Promise<void> | undefined;

  constructor(parts: WorkerDrainParts) {
    this.#parts = parts;
  }

  /** Whether it has been asked to end. */
  get asked(): boolean {
    return this.#asked;
  }

  /** Whether it was asked by a signal before it was ready: it never will be. */
  get bySignal(): boolean {
    return this.#bySignal;
  }

  /**
   * Without `linger` it does not wait for its loop to have nothing left. With `bySignal` its end is one by SIGTERM, which
   * has come before it was ready.
   */
  async begin({ linger = true, bySignal = false }: LeavingOptions = {}): Promise<void> {
    if (this.#asked) return;
    this.#asked = true;
    this.#bySignal = bySignal;
    const { context, lease, finish } = this.#parts;
    new Alarm(context.options.maxWaitTime, () => void this.#late()).unref();
    await finish();
    await context.messages.flush();
    await context.messages.stop();
    if (linger && this.#parts.lingers?.() !== false) {
      lease.release();
      await this.#nothingLeft();
    }
    await this.#end();
  }

  /** Resolves when the loop has nothing left that keeps it, but for what the server itself has there. */
  async #nothingLeft(): Promise<void> {
    const { context, child, workerId } = this.#parts;
    const handlers = context.handlers.get('workerExit');
    // No process is left to end them.
    if (handlers.length === 0) context.timers.end();
    let over = false;
    const call = () => {
      if (over) return;
      runInOrder(handlers, workerId).catch((error) =>
        context.log.error({ err: error }, 'a handler of workerExit has failed'),
      );
    };
    // This time may have passed without the processor: only what is there after a whole turn of the loop keeps it.
    const afterTurn = () => setImmediate(() => setImmediate(call).unref()).unref();
    const turn = setInterval(afterTurn, WORKER_EXIT_MS).unref();
    child.unref();
    await new Promise<void>((resolve) => process.once('beforeExit', () => resolve()));
    over = true;
    clearInterval(turn);
  }

  async #late(): Promise<void> {
    if (this.#ending) return;
    const { context, child, inHand } = this.#parts;
    const inTheWay = [...inHand(), ...context.timers.describe(), ...resources()];
    context.log.warn(
      { inTheWay },
      `${child.name} has not come to its end within maxWaitTime (${context.options.maxWaitTime} ms); ` +
        `it exits. It waited for: ${inTheWay.join(', ') || 'nothing that is known'}`,
    );
    await this.#end();
  }

  #end(): Promise<void> {
    this.#ending ??= this.#stopAndExit();
    return this.#ending;
  }

  async #stopAndExit(): Promise<void> {
    const { context, workerId } = this.#parts;
    // Nothing else may keep the loop any more, while a handler waits.
    setInterval(() => {}, 2 ** 31 - 1);
    let code = 0;
    try {
      await runInOrder(context.handlers.get('workerStop'), workerId);
    } catch (error) {
      context.log.error({ err: error }, 'a handler of workerStop has failed');
      code = 1;
    }
    await context.messages.flush();
    if (this.#bySignal) exitBySigterm();
    else process.exit(code);
  }
}

/** What keeps this loop, by kind and number. */
function resources(): string[] {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return [...counts].map(([kind, count]) => `${count} ${kind}`);
}

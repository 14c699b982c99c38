import type { ChildProcessContext } from '@millrace/process-pool';
import type { FromWorker, Listening } from '../contract/control-messages.js';
import { runInOrder } from '../contract/events.js';
import type { WorkerStatus } from '../contract/role.js';
import { ManagerLink, type RoleMessage } from './manager-link.js';
import type { RoleContext } from './role-context.js';
import { RoleLease } from './role-lease.js';
import { untilSettled } from './settling.js';
import { WorkerDrain } from './worker-drain.js';

/** What the manager says to a worker or task worker beyond its life. */
export type WorkMessage = Exclude<RoleMessage, { readonly type: 'lease' } | { readonly type: 'leave' }>;

export interface WorkerLifeParts {
  readonly context: RoleContext;
  readonly child: ChildProcessContext;
  /** What users call this process. */
  readonly workerId: number;
  /** Takes nothing more, and resolves when what was in hand is done and sent. */
  readonly finish: () => Promise<void>;
  /** What it has in hand, in words; empty when nothing. */
  readonly inHand: () => readonly string[];
  /** What its start waits for, where that is more than a handler of `workerStart`. */
  readonly startsAs?: () => string | undefined;
  readonly lingers?: () => boolean;
  /** The links aside are this process's. */
  readonly onAside?: () => void;
  /** It is asked to end in that manner, and does so next. */
  readonly onStop?: (mode: string) => void;
  readonly onSessionsLost: () => void;
  readonly onListening?: (message: Listening) => void;
  readonly onMessage: (message: WorkMessage) => void;
}

/**
 * The life of a worker or task worker:
 *
 *   workerStart → ready → the rings and pipes of its name are its own → serves → is asked to end → see WorkerDrain
 */
export class WorkerLife {
  readonly lease: RoleLease;
  readonly #parts: WorkerLifeParts;
  readonly #link: ManagerLink;
  readonly #drain: WorkerDrain;
  /** The manager has been told that it is. */
  #isReady = false;

  constructor(parts: WorkerLifeParts) {
    const { context, child, workerId, finish, inHand, lingers } = parts;
    this.#parts = parts;
    this.#link = new ManagerLink(child, context);
    this.lease = new RoleLease((message) => this.#link.tell(message));
    this.#drain = new WorkerDrain({ context, child, lease: this.lease, workerId, finish, inHand, lingers });
    context.messages.answerTo(this.lease);
  }

  /** Hears the manager from here on, once everything that it may speak of is there. */
  listen(): void {
    const { onStop, onSessionsLost, onAside, onListening, onMessage } = this.#parts;
    this.#link.listen({
      onStop: (mode) => {
        onStop?.(mode);
        void this.#drain.begin();
      },
      onTerminate: () => this.#terminate(),
      onSessionsLost,
      ...(onAside && { onAside }),
      ...(onListening && { onListening }),
      onMessage: (message) => {
        if (message.type === 'lease') this.lease.acquire();
        // Another process waits for its place, and cannot become ready without it.
        else if (message.type === 'leave') void this.#drain.begin({ linger: false });
        else onMessage(message);
      },
    });
  }

  tell(message: FromWorker): void {
    this.#link.tell(message);
  }

  /** Resolves when it serves, for which it calls `serve`, or when it has been asked to end before. */
  async start(serve: () => void): Promise<void> {
    const { context, child, workerId, startsAs } = this.#parts;
    this.#link.tellStarted();
    const started = runInOrder(context.handlers.get('workerStart'), workerId);
    const consequence = `${child.name} takes nothing before it has`;
    await untilSettled(context, 'workerStart', consequence, started, startsAs);
    if (this.#drain.bySignal) return;
    child.ready();
    this.#isReady = true;
    await this.lease.acquired();
    if (!this.#drain.asked) serve();
  }

  status(isBusy: boolean): WorkerStatus {
    if (this.#drain.asked) return 'exiting';
    return isBusy ? 'busy' : 'idle';
  }

  /** It has done as much as it is to do: the next process of its name gets the rest. */
  handOver(): void {
    this.#parts.child.detach();
    void this.#drain.begin();
  }

  /** It is to end, and the server is not: its place must not stay empty. */
  #terminate(): void {
    this.#parts.child.detach();
    void this.#drain.begin({ bySignal: !this.#isReady });
  }
}

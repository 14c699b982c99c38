import type { ChildProcessContext } from '@millrace/process-pool';
import {
  controlMessage,
  type FromWorker,
  type Listening,
  type ToWorker,
} from '../contract/control-messages.js';
import type { RoleContext } from './role-context.js';
import { onTermination } from './termination.js';

/** What the manager says that processes of different roles act on differently. */
export type RoleMessage = Exclude<
  ToWorker,
  | { readonly type: 'reopenLog' }
  | { readonly type: 'terminate' }
  | { readonly type: 'sessionsLost' }
  | { readonly type: 'aside' }
  | { readonly type: 'diagnose' }
  | Listening
>;

export interface ManagerLinkEvents {
  /** It is to end, in that manner. */
  onStop(mode: string): void;
  /** This process alone is to end; the server goes on. */
  onTerminate(): void;
  /** In base mode sessions have gone with their worker. */
  onSessionsLost(): void;
  /** In a worker, which has asked for it. */
  onAside?(): void;
  /** In a worker, which may have asked for it. */
  onListening?(message: Listening): void;
  onMessage(message: RoleMessage): void;
}

/** The control pipe between a process below the manager and the manager. */
export class ManagerLink {
  readonly #child: ChildProcessContext;
  readonly #context: RoleContext;

  constructor(child: ChildProcessContext, context: RoleContext) {
    this.#child = child;
    this.#context = context;
  }

  /** Reads from here on; what has come before this call comes in it. */
  listen(events: ManagerLinkEvents): void {
    const context = this.#context;
    this.#child.onMessage((body) => {
      const message = controlMessage<ToWorker>(body, 'manager', context);
      if (message === undefined) return;
      switch (message.type) {
        case 'reopenLog':
          return void context.processLog.reopen();
        case 'diagnose':
          return message.pid === process.pid
            ? context.diagnosis.obey(message.order, message.kind)
            : undefined;
        case 'sessionsLost':
          return events.onSessionsLost();
        case 'listening':
          // The process before this one in its place hears of what it has asked for, as well.
          return message.pid === process.pid ? events.onListening?.(message) : undefined;
        case 'aside':
          return message.pid === process.pid ? events.onAside?.() : undefined;
        case 'terminate':
          return message.pid === process.pid ? events.onTerminate() : undefined;
        default:
          return events.onMessage(message);
      }
    });
    this.#child.onStop((mode) => events.onStop(mode));
    // After that: SIGTERM is not for this process to act on before the master has said so.
    onTermination(() => this.tell({ type: 'terminated', pid: process.pid }));
  }

  tell(message: FromWorker): void {
    this.#child.send(message);
  }

  /** This process has come to `start`. */
  tellStarted(): void {
    this.tell({ type: 'started', pid: process.pid });
  }
}

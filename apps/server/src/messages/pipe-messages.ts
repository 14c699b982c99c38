import type { WaitOptions } from '@millrace/channel';
import { type Handlers, runInOrder, type ServerEvents } from '../contract/events.js';
import type { ProcessId } from '../contract/ids.js';
import type { Message } from '../contract/types.js';
import { ServerError } from '../errors.js';
import type { Logger } from '../log/log.js';
import type { ProcessMessenger } from './process-messenger.js';

/** Messages of the program between its processes, which come to the handlers of `pipeMessage`. */
export class PipeMessages {
  readonly #messenger: ProcessMessenger;
  readonly #handlers: Handlers<ServerEvents>;
  readonly #logs: { readonly log: Logger };

  constructor(messenger: ProcessMessenger, handlers: Handlers<ServerEvents>, logs: { readonly log: Logger }) {
    this.#messenger = messenger;
    this.#handlers = handlers;
    this.#logs = logs;
    messenger.onMessage((source, message) => void this.#arrived(source, message));
  }

  /** Whether there is a handler for them. */
  get areTaken(): boolean {
    return this.#handlers.has('pipeMessage');
  }

  /** As `Server.sendMessage`. */
  send(message: Message, to: ProcessId): boolean | undefined {
    this.#assertHandler();
    return this.#messenger.get('sendMessage').send(message, to);
  }

  /** As `Server.messagesDrained`. */
  drained(to: ProcessId, options?: WaitOptions): Promise<void> {
    this.#assertHandler();
    return this.#messenger.get('messagesDrained').drained(to, options);
  }

  #assertHandler(): void {
    if (this.areTaken) return;
    throw new ServerError(
      'ERR_MILLRACE_HANDLER_MISSING',
      "Messages between processes need a handler: add server.on('pipeMessage', …).",
    );
  }

  async #arrived(source: ProcessId, body: unknown): Promise<void> {
    // Another process of this program has sent it, which has the same types.
    const message = body as Message;
    try {
      await runInOrder(this.#handlers.get('pipeMessage'), source, message);
    } catch (error) {
      const handlers = this.#handlers.get('error');
      for (const handler of handlers) handler(error, undefined);
      if (handlers.length === 0)
        this.#logs.log.error({ err: error, source }, 'a handler of a message between processes has failed');
    }
  }
}

import type { WaitOptions } from '@millrace/channel';
import { inTime } from '@millrace/channel/internal';
import { type Handlers, runInOrder, type ServerEvents } from '../contract/events.js';
import type { ProcessId } from '../contract/ids.js';
import type { Message } from '../contract/types.js';
import { ServerError } from '../errors.js';
import { type Logger, LogLimit } from '../log/log.js';
import type { Commands } from '../messages/commands.js';
import { PeerMessenger, type PeerMessengerParts } from '../messages/peer-messenger.js';
import { ServerClients } from './server-clients.js';

/** What a server does with messages between its processes. */
export abstract class ServerMessages extends ServerClients {
  #messenger: PeerMessenger | undefined;

  abstract get log(): Logger;
  protected abstract get handlers(): Handlers<ServerEvents>;
  /** The means of this process; undefined before the start. */
  protected abstract messengerParts():
    | Omit<PeerMessengerParts, 'topology' | 'onMessage' | 'onCommand' | 'onBad'>
    | undefined;
  protected abstract readonly commands: Commands;

  /**
   * Sends a value to another process of the server, which gets it as `pipeMessage`: a worker, task worker or user
   * process by its flat id, `'manager'` or `'master'`. False: sent, but much waits for that process, and
   * `messagesDrained` tells when to go on. Messages of one sender to one receiver keep their order; a receiver that dies
   * loses those it had taken, its replacement gets the others. Throws `ERR_MILLRACE_NO_PROCESS`,
   * `ERR_MILLRACE_HANDLER_MISSING`, and a `ChannelError` for what cannot be sent.
   */
  sendMessage(message: Message, to: ProcessId): boolean {
    this.#assertHandler();
    return this.messenger('sendMessage').send(message, to);
  }

  /** Resolves when all messages to that process have left this one. */
  messagesDrained(to: ProcessId, options?: WaitOptions): Promise<void> {
    this.#assertHandler();
    return this.messenger('messagesDrained').drained(to, options);
  }

  /** Takes messages from here on, where there is a handler for them. */
  protected startMessages(): void {
    if (this.messengerParts() === undefined) return;
    if (this.handlers.has('pipeMessage') || this.commands.some) this.messenger('start').start();
  }

  /** Resolves when all messages have left this process, or after `timeout` milliseconds. */
  protected async flushMessages(timeout: number): Promise<void> {
    await inTime(this.commands.settled(), timeout, { keepLoop: false });
    await this.#messenger?.flush(timeout);
  }

  /** Takes no more messages; waits `timeout` milliseconds at most for the rest of one that has come in part. */
  protected async stopMessages(timeout: number): Promise<void> {
    await this.#messenger?.stop(timeout);
  }

  protected closeMessages(): void {
    this.commands.close();
    this.#messenger?.close();
  }

  /** Throws `ERR_MILLRACE_NOT_RUNNING` before the start. */
  protected messenger(member: string): PeerMessenger {
    if (this.#messenger) return this.#messenger;
    const parts = this.messengerParts();
    if (parts === undefined)
      throw new ServerError('ERR_MILLRACE_NOT_RUNNING', `${member} needs a started server.`);
    const limit = new LogLimit(this);
    this.#messenger = new PeerMessenger({
      ...parts,
      topology: this.topology,
      onMessage: (source, message) => void this.#arrived(source, message),
      onCommand: (source, frame) => this.commands.received(source, frame),
      onBad: (error) => limit.warn('mail', `a message between processes is dropped: ${error.message}`),
    });
    return this.#messenger;
  }

  #assertHandler(): void {
    if (this.handlers.has('pipeMessage')) return;
    throw new ServerError(
      'ERR_MILLRACE_HANDLER_MISSING',
      "Messages between processes need a handler: add server.on('pipeMessage', …).",
    );
  }

  async #arrived(source: ProcessId, body: unknown): Promise<void> {
    // Another process of this program has sent it, which has the same types.
    const message = body as Message;
    try {
      await runInOrder(this.handlers.get('pipeMessage'), source, message);
    } catch (error) {
      const handlers = this.handlers.get('error');
      for (const handler of handlers) handler(error, undefined);
      if (handlers.length === 0)
        this.log.error({ err: error, source }, 'a handler of a message between processes has failed');
    }
  }
}

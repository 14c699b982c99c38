import type { ProcessId } from '../contract/ids.js';
import { ServerError } from '../errors.js';
import type { PeerIdentity } from '../links/peer-identity.js';
import { type Logger, LogLimit } from '../log/log.js';
import type { CommandFrame } from './commands.js';
import { PeerMessenger, type PeerMessengerParts } from './peer-messenger.js';

/** The descriptors of inboxes, by their names. */
export type InboxDescriptors = Pick<PeerMessengerParts, 'descriptor' | 'borrowed'>;

/**
 * The inbox of this process and its links to the others', opened with the first message: most processes send none. Those who
 * take what comes are added before the server starts.
 */
export class ProcessMessenger {
  readonly #identity: PeerIdentity;
  readonly #logs: { readonly log: Logger };
  #inboxes: InboxDescriptors | undefined;
  #messenger: PeerMessenger | undefined;
  #onMessage: (source: ProcessId, message: unknown) => void = () => {};
  #onCommand: (source: ProcessId, frame: CommandFrame) => void = () => {};
  #onPublication: (topic: string, body: Uint8Array) => void = () => {};

  constructor(identity: PeerIdentity, logs: { readonly log: Logger }) {
    this.#identity = identity;
    this.#logs = logs;
  }

  /** `listener` takes messages of the program. */
  onMessage(listener: (source: ProcessId, message: unknown) => void): void {
    this.#onMessage = listener;
  }

  /** `listener` takes commands and their answers. */
  onCommand(listener: (source: ProcessId, frame: CommandFrame) => void): void {
    this.#onCommand = listener;
  }

  /** `listener` takes what other processes have published. */
  onPublication(listener: (topic: string, body: Uint8Array) => void): void {
    this.#onPublication = listener;
  }

  /** From now on there are inboxes. */
  open(inboxes: InboxDescriptors): void {
    this.#inboxes = inboxes;
  }

  get isOpen(): boolean {
    return this.#inboxes !== undefined;
  }

  /** For `member` of the server. Throws `ERR_MILLRACE_NOT_RUNNING` where there are no inboxes. */
  get(member: string): PeerMessenger {
    if (this.#messenger) return this.#messenger;
    if (this.#inboxes === undefined)
      throw new ServerError('ERR_MILLRACE_NOT_RUNNING', `${member} needs a started server.`);
    const limit = new LogLimit(this.#logs);
    this.#messenger = new PeerMessenger({
      ...this.#inboxes,
      peer: this.#identity.peer,
      topology: this.#identity.topology,
      onMessage: this.#onMessage,
      onCommand: this.#onCommand,
      onPublication: this.#onPublication,
      onBad: (error) => limit.warn('messages', `a message between processes is dropped: ${error.message}`),
    });
    return this.#messenger;
  }

  /** Resolves when all messages have left this process, or after `timeout` milliseconds. */
  async flush(timeout: number): Promise<void> {
    await this.#messenger?.flush(timeout);
  }

  /** Takes no more messages; waits `timeout` milliseconds at most for the rest of one that has come in part. */
  async stop(timeout: number): Promise<void> {
    await this.#messenger?.stop(timeout);
  }

  close(): void {
    this.#inboxes = undefined;
    this.#messenger?.close();
  }
}

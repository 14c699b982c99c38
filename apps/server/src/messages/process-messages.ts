import { inTime } from '@millrace/channel/internal';
import type { Handlers, ServerEvents } from '../contract/events.js';
import type { ProcessId } from '../contract/ids.js';
import { ServerError } from '../errors.js';
import type { PeerIdentity } from '../links/peer-identity.js';
import type { Logger } from '../log/log.js';
import type { BusRelay, BusRelayParts } from './bus-relay.js';
import { type CommandOptions, Commands } from './commands.js';
import { PeerTopics } from './peer-topics.js';
import { PipeMessages } from './pipe-messages.js';
import { type InboxDescriptors, ProcessMessenger } from './process-messenger.js';
import { type ProcessTopics, processTopics } from './process-topics.js';

export interface ProcessMessagesParts {
  readonly identity: PeerIdentity;
  readonly handlers: Handlers<ServerEvents>;
  readonly logs: { readonly log: Logger };
  /** Milliseconds that an end waits for messages. */
  readonly maxWaitTime: number;
}

/** All that this process and the others of the server say to each other: messages of the program, what it publishes, and commands. */
export class ProcessMessages {
  readonly pipe: PipeMessages;
  readonly commands: Commands;
  readonly topics: ProcessTopics = processTopics();
  readonly #peerTopics: PeerTopics;
  readonly #identity: PeerIdentity;
  readonly #messenger: ProcessMessenger;
  readonly #maxWaitTime: number;
  readonly #logs: { readonly log: Logger };
  #name: { readonly isHeld: boolean } = { isHeld: true };

  constructor({ identity, handlers, logs, maxWaitTime }: ProcessMessagesParts) {
    this.#identity = identity;
    this.#maxWaitTime = maxWaitTime;
    this.#logs = logs;
    const messenger = new ProcessMessenger(identity, logs);
    this.#messenger = messenger;
    this.pipe = new PipeMessages(messenger, handlers, logs);
    this.#peerTopics = new PeerTopics({ messenger, topics: this.topics, handlers, logs });
    this.commands = new Commands({
      send: (frame, to) => messenger.get('command').sendCommand(frame, to),
      isOwn: (id) => id === identity.id,
      roleOf: (id) => identity.roleOf(id),
      onFault: (error, command) => logs.log.error({ err: error, command }, 'a command cannot be answered'),
    });
    messenger.onCommand((source, frame) => this.commands.received(source, frame));
  }

  /** As `Server.command`. */
  run(name: string, target: ProcessId, value?: unknown, options?: CommandOptions): Promise<unknown> {
    if (target !== this.#identity.id) {
      if (!this.#messenger.isOpen || !this.#name.isHeld) {
        const message = `The command '${name}' needs a started server; in a worker, one whose workerStart is over.`;
        throw new ServerError('ERR_MILLRACE_NOT_RUNNING', message);
      }
      this.#messenger.get('command').start();
    }
    return this.commands.run(name, target, value, options);
  }

  /** This process has its name for a while: only then what others answer comes to it, and not to the one before. */
  answerTo(name: { readonly isHeld: boolean }): void {
    this.#name = name;
  }

  /** From now on there are inboxes; nothing is read from this one's before `start`. */
  open(inboxes: InboxDescriptors): void {
    this.#messenger.open(inboxes);
    this.#peerTopics.open();
  }

  /** Opens what `start` needs, in a process that has time before it may. */
  prepare(): void {
    if (this.#messenger.isOpen) this.#messenger.get('start');
  }

  /** Takes messages from here on, where there is a handler for them. */
  start(): void {
    if (!this.#messenger.isOpen) return;
    // One that has no place, since it is to end, takes nothing.
    if (this.#name.isHeld) this.#peerTopics.start();
    if (this.pipe.areTaken || this.commands.some || this.#peerTopics.some)
      this.#messenger.get('start').start();
  }

  /** Has this process be the one that holds the connection to the bus; and returns what ends that. */
  openBus(make: (parts: Omit<BusRelayParts, 'name' | 'connect'>) => BusRelay): BusRelay {
    const messenger = this.#messenger.get('bus');
    const relay = make({
      messenger,
      logs: this.#logs,
      server: messenger.serverName,
      toOwn: (topic, body) => this.topics.arrived(topic, body),
    });
    this.#peerTopics.carry((topic, body) => relay.publish(topic, body));
    relay.open();
    return relay;
  }

  /** Resolves when this process's messages to others have left it, or time is up. */
  async flush(): Promise<void> {
    await inTime(this.commands.settled(), this.#maxWaitTime, { keepLoop: false });
    await this.#messenger.flush(this.#maxWaitTime);
  }

  /** Takes no more messages from others, and leaves them to the next of this name. */
  async stop(): Promise<void> {
    this.#peerTopics.stop();
    await this.#messenger.stop(this.#maxWaitTime);
  }

  /** Gives up this process's inbox, and its links to the others'. */
  close(): void {
    this.#peerTopics.stop();
    this.commands.close();
    this.#messenger.close();
  }
}

import type { TransportChannel } from '@millrace/channel';
import { RingTransport } from '@millrace/shared-memory/internal';
import type { SharedLink, TaskMessage } from '@millrace/task-pool/internal';
import type { AskerEnd } from '../links/task-links.js';

/** The way to a task worker before it is this process's: nothing is sent to it, and nothing comes. */
export class LaterChannel {
  #channel: TransportChannel<TaskMessage> | undefined;
  #transport: AskerEnd['transport'] | undefined;
  #listener: ((message: TaskMessage) => void) | undefined;

  become({ channel, transport }: AskerEnd): void {
    this.#channel = channel;
    this.#transport = transport;
    if (this.#listener) channel.on('message', this.#listener);
  }

  send(message: TaskMessage): boolean {
    if (this.#channel === undefined) throw new Error('A task was sent before its way was opened.');
    return this.#channel.send(message);
  }

  on(_name: 'message', listener: (message: TaskMessage) => void): void {
    this.#listener = listener;
  }

  deliverNow(): void {
    this.#channel?.deliverNow();
  }

  /** Pipes wake whoever reads them by themselves. */
  poke(): void {
    if (this.#transport instanceof RingTransport) this.#transport.pokePeer();
  }

  distrust(error: Error): void {
    this.#transport?.distrust(error);
  }
}

/** The way to whichever task worker is free, before the place is this process's. */
export class LaterQueue implements SharedLink {
  readonly channel = {
    send: (message: TaskMessage): boolean => {
      if (this.#link === undefined) throw new Error('A task was sent before the queue was opened.');
      return this.#link.channel.send(message);
    },
    on() {},
    deliverNow() {},
  };
  #link: SharedLink | undefined;
  #roomListener: () => void = () => {};
  #lostListener: () => void = () => {};

  become(link: SharedLink): void {
    this.#link = link;
    link.onRoom(this.#roomListener);
    link.onLost(this.#lostListener);
  }

  onRoom(listener: () => void): void {
    this.#roomListener = listener;
  }

  onLost(listener: () => void): void {
    this.#lostListener = listener;
  }
}

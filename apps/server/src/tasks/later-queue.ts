import type { SharedLink, TaskMessage } from '@millrace/task-pool/internal';

/** The shared link to the task workers, before the lease of its name is this process's. */
export class LaterQueue implements SharedLink {
  readonly channel = {
    send: (message: TaskMessage): boolean | undefined => {
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

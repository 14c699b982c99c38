import { CLOSE_CAUSES, type CloseCause } from '../contract/close-causes.js';
import type { ListenerIndex } from '../contract/ids.js';
import type { CounterBlock } from '../shared/counter-block.js';
import * as layout from '../shared/counters-layout.js';

/** What one reactor counts of its clients, by their listeners: rows of its own, which readers add up. */
export class ListenerCounts {
  readonly #own: Pick<CounterBlock, 'add'>;

  constructor(own: Pick<CounterBlock, 'add'>) {
    this.#own = own;
  }

  accepted(listener: ListenerIndex): void {
    this.#own.add(layout.listenerAt(listener) + layout.LISTENER_ACCEPTED, 1);
  }

  /** A client was closed at once. */
  refused(listener: ListenerIndex): void {
    this.#own.add(layout.listenerAt(listener) + layout.LISTENER_REFUSED, 1);
  }

  closed(listener: ListenerIndex, cause: CloseCause): void {
    this.#own.add(layout.CLOSED, 1);
    this.#own.add(layout.CLOSED_FOR + CLOSE_CAUSES.indexOf(cause), 1);
    this.#own.add(layout.listenerAt(listener) + layout.LISTENER_CLOSED, 1);
  }

  /** What came of a client; `messages`: how many begin in it. */
  received(listener: ListenerIndex, messages: number, bytes: number): void {
    const at = layout.listenerAt(listener);
    this.#own.add(at + layout.MESSAGES_IN, messages);
    this.#own.add(at + layout.BYTES_IN, bytes);
  }

  /** What a process sends to a client. */
  sent(listener: ListenerIndex, bytes: number): void {
    const at = layout.listenerAt(listener);
    this.#own.add(at + layout.MESSAGES_OUT, 1);
    this.#own.add(at + layout.BYTES_OUT, bytes);
  }
}

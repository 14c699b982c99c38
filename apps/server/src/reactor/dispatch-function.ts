import type { Dispatch, DispatchedSession } from '../options/options.js';
import { FLAG_BOUND } from '../shared/connection-layout.js';
import type { Client, ClientLink } from './client.js';
import { Dispatcher, type DispatcherParts, readyFor } from './dispatch.js';

/** `'function'`: a function of the user's chooses for each message. What is wrong with it costs no client. */
export class FunctionDispatcher extends Dispatcher {
  readonly #dispatch: Dispatch;
  readonly #onFault: (text: string) => void;

  constructor(parts: DispatcherParts, dispatch: Dispatch, onFault: (text: string) => void) {
    super(parts, true);
    this.#dispatch = dispatch;
    this.#onFault = onFault;
  }

  override get keepsOrder(): boolean {
    return false;
  }

  /** Where the next message goes is not known yet; the worker of the last one stands for it. */
  override ready(client: Client): boolean {
    return readyFor(client.latestWorker, client);
  }

  override hasShare(client: Client): boolean {
    return this.shares.hasRoom(client, client.latestWorker);
  }

  override pick(
    client: Client,
    memory: Buffer,
    start: number,
    end: number,
  ): ClientLink | 'discard' | 'close' {
    let choice: unknown;
    try {
      choice = this.#dispatch(memory.subarray(start, end), this.#describe(client));
    } catch (error) {
      this.#onFault(`the dispatch function has thrown: ${error instanceof Error ? error.message : error}`);
      return client.owner;
    }
    if (choice === 'discard' || choice === 'close') return choice;
    if (choice === 'default') return client.owner;
    const worker = typeof choice === 'number' ? this.workers[choice] : undefined;
    if (worker !== undefined) return worker;
    const allowed = `0 to ${this.workers.length - 1}, 'default', 'discard' or 'close'`;
    this.#onFault(`the dispatch function has returned ${String(choice)}; allowed are ${allowed}`);
    return client.owner;
  }

  #describe({ session, listener, slot, peer }: Client): DispatchedSession {
    return {
      id: session,
      port: listener,
      uid: slot.flags & FLAG_BOUND ? slot.uid >>> 0 : undefined,
      remoteIp: peer.host,
      remotePort: peer.port,
      workers: this.workers.length,
    };
  }
}

import type { LinkEnd } from './link-end.js';

/**
 * The end of a link before it is this process's: what is sent is kept, and goes first once it is. A replacement is loaded while
 * its predecessor still has the link.
 */
export class LaterEnd<Out, In = Out> {
  #end: LinkEnd<Out, In> | undefined;
  #listener: ((message: In) => void) | undefined;
  readonly #held: Out[] = [];

  /** Once. */
  become(end: LinkEnd<Out, In>): void {
    this.#end = end;
    if (this.#listener) end.channel.onMessage(this.#listener);
    for (const message of this.#held.splice(0)) end.channel.send(message);
  }

  /** Before the link is opened the message must stay as it is. */
  send(message: Out): boolean {
    if (this.#end !== undefined) return this.#end.channel.send(message);
    this.#held.push(message);
    return true;
  }

  /** One listener. */
  onMessage(listener: (message: In) => void): void {
    this.#listener = listener;
    this.#end?.channel.onMessage(listener);
  }

  deliverNow(): void {
    this.#end?.channel.deliverNow();
  }

  /** As of {@link LinkEnd}. */
  poke(): void {
    this.#end?.poke();
  }

  /** As of {@link LinkEnd}. */
  distrust(error: Error): void {
    this.#end?.distrust(error);
  }
}

import type { LinkEnd } from './link-end.js';

/**
 * The end of a link before it is this process's: what is sent is kept, and goes first once it is. A replacement is loaded while
 * its predecessor still has the link.
 */
export class LaterEnd<Out, In = Out> {
  #end: LinkEnd<Out, In> | undefined;
  readonly #handlers: ((message: In) => void)[] = [];
  readonly #held: Out[] = [];

  /** Once. */
  become(end: LinkEnd<Out, In>): void {
    this.#end = end;
    for (const handler of this.#handlers.splice(0)) end.channel.on('message', handler);
    for (const message of this.#held.splice(0)) end.channel.send(message);
  }

  /** Before the link is opened the message must stay as it is. */
  send(message: Out): boolean | undefined {
    if (this.#end !== undefined) return this.#end.channel.send(message);
    this.#held.push(message);
    return true;
  }

  on(name: 'message', handler: (message: In) => void): void {
    if (this.#end === undefined) this.#handlers.push(handler);
    else this.#end.channel.on(name, handler);
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

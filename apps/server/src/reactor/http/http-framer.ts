import type { Framer, StreamConnection } from '@millrace/reactor';
import type { HttpClient } from './http-client.js';
import type { LateHeads } from './late-heads.js';

/** Cuts what each client sends by its own cutter. */
export class HttpFramer implements Framer {
  readonly needed = 0;
  readonly trailer = 0;
  readonly #late: LateHeads;

  constructor(late: LateHeads) {
    this.#late = late;
  }

  measure(bytes: Buffer, start: number, end: number, scanned: number, stream: unknown): number {
    const client = (stream as StreamConnection<HttpClient>).context;
    const { cutter } = client;
    const length = cutter.measure(bytes, start, end, scanned);
    if (length > 0) this.#late.forget(client);
    else if (cutter.keepsHead) this.#late.add(client);
    return length;
  }
}

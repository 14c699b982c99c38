import { ChannelError, Frame, msgpackCodec } from '@millrace/channel';
import { describePlainly, describeThrown, reviveThrown, type Thrown } from '@millrace/task-pool/internal';
import { BrokerError } from '../errors.js';
import * as layout from './body-layout.js';
import { VALUE_LIMIT } from './limits.js';

/** Where values beyond the limit are kept: an object store, a shared directory. */
export interface LargeValueStore {
  /** Keeps bytes; resolves with a reference by which any caller and host finds them. Removing them in time is the store's. */
  put(bytes: Buffer): Promise<string>;
  get(reference: string): Promise<Uint8Array>;
}

export interface BodiesOptions {
  /** Most bytes of a body that an engine carries. */
  readonly limit: number;
  readonly store: LargeValueStore | undefined;
}

/** What a body says: a value, or something that was thrown. */
export type Answer = { readonly value: unknown } | { readonly thrown: unknown };

/** Turns values and errors into bodies and back. */
export class Bodies {
  readonly #limit: number;
  readonly #store: LargeValueStore | undefined;
  readonly #codec = msgpackCodec<unknown>();
  readonly #frame = new Frame();

  constructor({ limit, store }: BodiesOptions) {
    this.#limit = limit;
    this.#store = store;
  }

  /** Throws `ERR_MILLRACE_UNSENDABLE`, and `_TASK_TOO_LARGE` without a store; rejects with `_TASK_STORE`. */
  value(value: unknown): Buffer | Promise<Buffer> {
    return this.#bounded(this.#encode(layout.VALUE, value), 'value');
  }

  /** What was thrown; what of it cannot be sent is left out. */
  thrown(thrown: unknown): Buffer | Promise<Buffer> {
    let body: Buffer;
    try {
      body = this.#encode(layout.THROWN, describeThrown(thrown));
    } catch {
      body = this.#encode(layout.THROWN, describePlainly(thrown));
    }
    try {
      return this.#bounded(body, 'error');
    } catch (tooLarge) {
      return this.#encode(layout.THROWN, describeThrown(tooLarge));
    }
  }

  /** A report or another value that is never stored. */
  small(value: unknown): Buffer {
    const body = this.#encode(layout.VALUE, value);
    if (body.length > this.#limit) throw this.#tooLarge(body.length, 'report');
    return body;
  }

  /** Throws `ERR_MILLRACE_BAD_MESSAGE` for bytes that are no body: others may write into an engine. Rejects with that, and with `_TASK_STORE`. */
  decode(body: Uint8Array): Answer | Promise<Answer> {
    const kind = body[layout.KIND_AT];
    return kind === layout.STORED || kind === layout.STORED_THROWN ? this.#fetch(body) : this.#decode(body);
  }

  #encode(kind: number, value: unknown): Buffer {
    const frame = this.#frame;
    this.#codec.encode(value, frame);
    const body = Buffer.allocUnsafe(layout.HEAD_BYTES + frame.length);
    body[layout.KIND_AT] = kind;
    frame.copyTo(body, layout.HEAD_BYTES);
    return body;
  }

  #bounded(body: Buffer, what: string): Buffer | Promise<Buffer> {
    if (body.length <= this.#limit) return body;
    if (this.#store === undefined) throw this.#tooLarge(body.length, what);
    return put(this.#store, body);
  }

  #tooLarge(length: number, what: string): BrokerError {
    return new BrokerError(
      'ERR_MILLRACE_TASK_TOO_LARGE',
      `The ${what} of a task has ${length} bytes, and an engine is given ${this.#limit} at most (valueLimit). ` +
        "Send a reference to it, or give the pool and the tasks a store ('largeValues').",
      { value: length, limit: this.#limit },
    );
  }

  async #fetch(body: Uint8Array): Promise<Answer> {
    const reference = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString(
      'utf8',
      layout.HEAD_BYTES,
    );
    if (this.#store === undefined) {
      const message = `A value lies in a store, as '${reference}', and this process has none: give it the same 'largeValues'.`;
      throw new BrokerError('ERR_MILLRACE_TASK_STORE', message);
    }
    let bytes: Uint8Array;
    try {
      bytes = await this.#store.get(reference);
    } catch (cause) {
      const message = `The store of large values did not give '${reference}' back.`;
      throw new BrokerError('ERR_MILLRACE_TASK_STORE', message, { cause });
    }
    return this.#decode(bytes);
  }

  #decode(body: Uint8Array): Answer {
    const kind = body[layout.KIND_AT];
    if (kind !== layout.VALUE && kind !== layout.THROWN) {
      const message = `The body of a task or an answer begins with ${kind ?? 'nothing'}, which no body does: a Millrace of another version wrote it, or something else.`;
      throw new ChannelError('ERR_MILLRACE_BAD_MESSAGE', message, { value: kind });
    }
    const memory = Buffer.isBuffer(body) ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength);
    const value = this.#codec.decode(memory, layout.HEAD_BYTES, memory.length);
    return kind === layout.THROWN ? { thrown: reviveThrown(value as Thrown) } : { value };
  }
}

export function isThrown(body: Uint8Array): boolean {
  const kind = body[layout.KIND_AT];
  return kind === layout.THROWN || kind === layout.STORED_THROWN;
}

async function put(store: LargeValueStore, body: Buffer): Promise<Buffer> {
  let reference: string;
  try {
    reference = await store.put(body);
  } catch (cause) {
    const message = `The store of large values did not take ${body.length} bytes.`;
    throw new BrokerError('ERR_MILLRACE_TASK_STORE', message, { cause });
  }
  const text = Buffer.from(reference);
  const stored = Buffer.allocUnsafe(layout.HEAD_BYTES + text.length);
  stored[layout.KIND_AT] = isThrown(body) ? layout.STORED_THROWN : layout.STORED;
  text.copy(stored, layout.HEAD_BYTES);
  return stored;
}

/** A value as a body of at most 256 KiB, for what enqueues tasks without a pool. */
export function valueBody(value: unknown): Buffer {
  return new Bodies({ limit: VALUE_LIMIT, store: undefined }).small(value);
}

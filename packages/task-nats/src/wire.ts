import { createHash } from 'node:crypto';
import { Frame, msgpackCodec } from '@millrace/channel';
import type { Claim, EngineTask, HostReport, Reply } from '@millrace/task-broker';

/** A task as it lies in the stream. */
export interface StoredTask {
  readonly id: string;
  readonly number: number;
  readonly name: string;
  readonly replyTo: string | undefined;
  readonly retries: number;
  readonly earlierAttempts: number;
  readonly stream: boolean;
  readonly expiresAt: number | undefined;
  /** When it may begin, of one with a delay: its first delivery is never an attempt. */
  readonly notBefore: number | undefined;
  readonly body: Uint8Array;
}

/**
 * The last word about a task: its subject in NAME-answers holds one message, and each replaces the one before only where that is
 * the one that its writer knew. So of two hosts that run one task, after a claim was lost, one settles it.
 */
export type Word =
  /** An attempt has begun: what an earlier one says counts no more. `by` is one delivery's own. 0: the first was given back. */
  | { readonly kind: 'claimed'; readonly attempt: number; readonly by: string }
  | { readonly kind: 'done' | 'thrown'; readonly attempt: number; readonly body: Uint8Array }
  | { readonly kind: 'cancelled' };

export interface HostNews extends HostReport {
  readonly host: string;
}

/** Plain values as MessagePack. */
class Wire<T> {
  readonly #codec = msgpackCodec<T>();
  readonly #frame = new Frame();

  encode(value: T): Buffer {
    this.#codec.encode(value, this.#frame);
    const bytes = Buffer.allocUnsafe(this.#frame.length);
    this.#frame.copyTo(bytes, 0);
    return bytes;
  }

  /** Undefined where the bytes are none of ours: anyone who may publish on a subject can put anything there. */
  decodeForeign(bytes: Uint8Array): T | undefined {
    try {
      const memory = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      const value = this.#codec.decode(memory, 0, memory.length);
      return typeof value === 'object' && value !== null ? value : undefined;
    } catch {
      return undefined;
    }
  }
}

export const taskWire = new Wire<StoredTask>();
export const wordWire = new Wire<Word>();
export const replyWire = new Wire<Reply>();
export const newsWire = new Wire<HostNews>();
export const creditWire = new Wire<{ readonly id: string; readonly total: number }>();

/** The id under which the engine has a task: an idempotency key makes one of its own. */
export function idOf({ id, idempotencyKey }: EngineTask): string {
  if (idempotencyKey === undefined) return id;
  return `key-${createHash('sha256').update(idempotencyKey).digest('base64url')}`;
}

export function storedTask(task: EngineTask, now: number): StoredTask {
  const { number, name, replyTo, retries, earlierAttempts, stream, expiresAt, delay, body } = task;
  const notBefore = delay > 0 ? now + delay : undefined;
  return {
    id: idOf(task),
    number,
    name,
    replyTo,
    retries,
    earlierAttempts,
    stream,
    expiresAt,
    notBefore,
    body,
  };
}

/** What a delivery of a task claims. */
export function claimOf(
  { notBefore, earlierAttempts, retries, ...rest }: StoredTask,
  attempt: number,
): Claim {
  return { ...rest, attempt, retries: retries + earlierAttempts };
}

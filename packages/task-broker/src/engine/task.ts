export type { EngineCounts, HostReport } from '@millrace/task-pool/internal';

/** A task as an engine keeps it. The body is opaque to the engine, see wire/body.ts. */
export interface EngineTask {
  /** Unique among all callers. Enqueued again under the same id it is the same task. */
  readonly id: string;
  /** The caller's own number for it: `id` of the context. */
  readonly number: number;
  readonly name: string;
  readonly body: Uint8Array;
  /** The caller's address for replies; undefined: nobody waits for them. */
  readonly replyTo: string | undefined;
  /** How often it may be run again because what ran it died; Infinity: always. */
  readonly retries: number;
  /** Attempts that an earlier copy of it has had, which the engine lost. */
  readonly earlierAttempts: number;
  /** It gives several results. */
  readonly stream: boolean;
  /** Milliseconds of the engine's clock from which on it is not begun; undefined: never. */
  readonly expiresAt: number | undefined;
  readonly priority: number;
  /** Milliseconds before it may begin. */
  readonly delay: number;
  readonly idempotencyKey: string | undefined;
}

/** A task that a host has claimed: no other host has it until the claim is settled, or was not renewed in time. */
export interface Claim {
  readonly id: string;
  readonly number: number;
  readonly name: string;
  readonly body: Uint8Array;
  /** Which attempt this is, from 1: claims of it so far, this one included. */
  readonly attempt: number;
  readonly replyTo: string | undefined;
  readonly retries: number;
  readonly stream: boolean;
  readonly expiresAt: number | undefined;
}

/** What a host says of a claim at its end. */
export type Settlement =
  /** The result, or undefined bytes where nobody wants it. */
  | { readonly kind: 'done'; readonly body: Uint8Array }
  /** What was thrown, and its message for the engine's own tools. */
  | { readonly kind: 'thrown'; readonly body: Uint8Array; readonly message: string }
  /** Another attempt, by any host. */
  | { readonly kind: 'again'; readonly message: string }
  /** It was not begun: the claim was no attempt, and any host has the task next. */
  | { readonly kind: 'unbegun' };

export interface Settled {
  /** False: the claim was lost before; the settlement has changed nothing, and the task is another host's. */
  readonly held: boolean;
  /** The next task, where the host asked for one and there is one. */
  readonly next: Claim | undefined;
}

export interface Renewal {
  /** Claims that are another host's now, or free. */
  readonly lost: readonly Claim[];
  /** Claims whose caller wants the answer no more. */
  readonly cancelled: readonly Claim[];
}

/** A message from a host to the caller of a task. */
export interface Reply {
  readonly id: string;
  readonly kind: 'done' | 'thrown' | 'item' | 'progress';
  readonly attempt: number;
  /** The host's address, for credit. */
  readonly host: string;
  /** Of `item`: which one, from 0. */
  readonly sequence: number;
  /** Milliseconds that the task ran; of `done` and `thrown`. */
  readonly ran: number;
  readonly body: Uint8Array;
}

/** What the engine knows of a task. */
export type Fate =
  | { readonly kind: 'pending' }
  | { readonly kind: 'done'; readonly body: Uint8Array; readonly attempt: number }
  | { readonly kind: 'thrown'; readonly body: Uint8Array; readonly attempt: number }
  /** It failed in the engine and not by a host of ours. */
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'unknown' };

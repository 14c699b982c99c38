import { Frame, msgpackCodec } from '@millrace/channel';
import type { Reply } from '@millrace/task-broker';

type Packed = readonly [
  id: string,
  kind: Reply['kind'],
  attempt: number,
  host: string,
  sequence: number,
  ran: number,
  body: Uint8Array,
];

const KINDS: ReadonlySet<unknown> = new Set<Reply['kind']>(['done', 'thrown', 'item', 'progress']);

/** Replies as they lie in a caller's stream. */
export class ReplyWire {
  readonly #codec = msgpackCodec<Packed>();
  readonly #frame = new Frame();

  encode({ id, kind, attempt, host, sequence, ran, body }: Reply): Buffer {
    this.#codec.encode([id, kind, attempt, host, sequence, ran, body], this.#frame);
    const bytes = Buffer.allocUnsafe(this.#frame.length);
    this.#frame.copyTo(bytes, 0);
    return bytes;
  }

  /** Undefined where the bytes are none of ours: every client of the Redis can add to a caller's stream. */
  decode(bytes: Buffer): Reply | undefined {
    let packed: unknown;
    try {
      packed = this.#codec.decode(bytes, 0, bytes.length);
    } catch {
      return undefined;
    }
    if (!isPacked(packed)) return undefined;
    const [id, kind, attempt, host, sequence, ran, body] = packed;
    return { id, kind, attempt, host, sequence, ran, body };
  }
}

function isPacked(value: unknown): value is Packed {
  if (!Array.isArray(value) || value.length !== 7) return false;
  const [id, kind, attempt, host, sequence, ran, body] = value as unknown[];
  return (
    typeof id === 'string' &&
    KINDS.has(kind) &&
    typeof attempt === 'number' &&
    typeof host === 'string' &&
    typeof sequence === 'number' &&
    typeof ran === 'number' &&
    body instanceof Uint8Array
  );
}

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

  decode(bytes: Buffer): Reply {
    const [id, kind, attempt, host, sequence, ran, body] = this.#codec.decode(bytes, 0, bytes.length);
    return { id, kind, attempt, host, sequence, ran, body };
  }
}

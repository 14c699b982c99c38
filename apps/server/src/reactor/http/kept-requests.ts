import { PIECE_BEGINS, PIECE_ENDS, REQUEST_MASK } from '../../links/packet.js';
import { isAfter } from './fate.js';

/** Bytes of requests that are kept for one client. */
export const MAX_KEPT_REQUESTS = 16 << 10;

/** Those that RFC 9110 (9.2.2) and RFC 10008 call idempotent: to be asked twice comes to the same as once. */
const IDEMPOTENT = /^(?:GET|HEAD|PUT|DELETE|OPTIONS|TRACE|QUERY) /;
const LONGEST_METHOD = 'OPTIONS '.length;
/** Characters of a target that the log has. */
const NAMED = 256;

/** Where the bytes that are kept are counted. */
export interface KeptMemory {
  readonly use: { bytes: number };
  /** Whether clients hold so little that more may be kept. */
  readonly hasRoom: boolean;
}

/** A copy of a request, by which it can be sent to a process once more. */
export interface KeptRequest {
  request: number;
  bytes: Buffer;
  isWhole: boolean;
  readonly isHead: boolean;
  /** Processes that have died since they took it. */
  deaths: number;
}

/** The requests of one client that have no answer yet, as far as they may be sent once more. */
export class KeptRequests {
  readonly #memory: KeptMemory;
  #list: KeptRequest[] = [];
  #bytes = 0;

  constructor(memory: KeptMemory) {
    this.#memory = memory;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** A piece of request `request` goes to a worker. What does not fit, or must not be asked twice, is not kept. */
  add(request: number, flags: number, memory: Buffer, start: number, end: number): void {
    const isWhole = (flags & PIECE_ENDS) !== 0;
    const fits = this.#bytes + end - start <= MAX_KEPT_REQUESTS && this.#memory.hasRoom;
    if ((flags & PIECE_BEGINS) === 0) {
      const last = this.#list.at(-1);
      if (last?.request !== request) return;
      if (!fits) return this.#drop(this.#list.length - 1, 1);
      last.bytes = Buffer.concat([last.bytes, memory.subarray(start, end)]);
      last.isWhole = isWhole;
    } else {
      const method = memory.toString('latin1', start, Math.min(end, start + LONGEST_METHOD));
      if (!fits || !IDEMPOTENT.test(method)) return;
      const bytes = Buffer.from(memory.subarray(start, end));
      this.#list.push({ request, bytes, isWhole, isHead: method.startsWith('HEAD '), deaths: 0 });
    }
    this.#count(end - start);
  }

  /** Requests up to `answered` have their answers; `partly`: something has been sent of the next one as well. */
  settle(answered: number, partly: boolean): void {
    if (partly) return this.clear();
    let done = 0;
    while (done < this.#list.length && !isAfter((this.#list[done] as KeptRequest).request, answered)) done++;
    this.#drop(0, done);
  }

  /** Those behind `answered` up to `sent`; undefined where one of them is not kept whole. */
  between(answered: number, sent: number): readonly KeptRequest[] | undefined {
    const list = this.#list;
    const count = (sent - answered) & REQUEST_MASK;
    if (count === 0 || list.length !== count || list.some(({ isWhole }) => !isWhole)) return undefined;
    return list.at(-1)?.request === sent ? list : undefined;
  }

  clear(): void {
    this.#drop(0, this.#list.length);
  }

  #drop(from: number, count: number): void {
    if (count === 0) return;
    for (const { bytes } of this.#list.splice(from, count)) this.#count(-bytes.length);
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    this.#memory.use.bytes += bytes;
  }
}

/** A request as the log has it: the method and the path, without the query, which may hold what is secret. */
export function nameOf({ bytes }: KeptRequest): string {
  const [method = '', target = ''] = bytes.toString('latin1', 0, bytes.indexOf('\r')).split(' ');
  const path = target.replace(/[?#].*$/s, '');
  return `${method} ${path.length > NAMED ? `${path.slice(0, NAMED)}…` : path}`;
}

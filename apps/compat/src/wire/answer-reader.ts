/** One answer of HTTP/1, cut from the bytes of a connection. */
export interface Answer {
  readonly version: string;
  readonly status: number;
  readonly reason: string;
  /** As they came: order and case are kept. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer;
  readonly trailers: readonly (readonly [name: string, value: string])[];
}

type Fields = (readonly [string, string])[];

/** Cuts the answers of one connection. `asked` has the methods whose answers are awaited, in their order. */
export class AnswerReader {
  readonly answers: Answer[] = [];
  /** Of what the server had to send by then is not HTTP. */
  error: Error | undefined;
  #rest: Buffer = Buffer.alloc(0);
  readonly #asked: string[] = [];

  /** A request whose answer comes after those of the requests before it. */
  ask(method: string): void {
    this.#asked.push(method);
  }

  /** Whether a part of an answer has come, and its rest has not. */
  get isInside(): boolean {
    return this.#rest.length > 0;
  }

  /** How many requests are without an answer. */
  get unanswered(): number {
    return this.#asked.length;
  }

  push(chunk: Buffer): void {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    while (this.error === undefined && this.#rest.length > 0) {
      const cut = this.#cut(false);
      if (cut === undefined) return;
    }
  }

  /** The server sends no more: an answer that ends with its connection is whole now. */
  finish(): void {
    if (this.error === undefined && this.#rest.length > 0) this.#cut(true);
  }

  #cut(over: boolean): Answer | undefined {
    const headEnd = this.#rest.indexOf('\r\n\r\n');
    if (headEnd < 0) return undefined;
    const [first = '', ...lines] = this.#rest.toString('latin1', 0, headEnd).split('\r\n');
    const line = /^HTTP\/(\d\.\d) (\d{3}) ?(.*)$/.exec(first);
    if (line === null) {
      this.error = new Error(`No status line: ${JSON.stringify(first)}`);
      return undefined;
    }
    const status = Number(line[2]);
    const headers = fields(lines);
    const isInterim = status < 200 && status !== 101;
    const method = this.#asked[0];
    if (method === undefined && !isInterim) {
      this.error = new Error(`An answer that nothing has asked for: ${JSON.stringify(first)}`);
      return undefined;
    }
    const start = headEnd + 4;
    const body =
      isInterim || method === 'HEAD' || status === 204 || status === 304 || status === 101
        ? { body: Buffer.alloc(0), trailers: [], end: start }
        : this.#body(headers, start, over);
    if (body === undefined) return undefined;
    this.#rest = this.#rest.subarray(body.end);
    if (!isInterim) this.#asked.shift();
    const answer = {
      version: line[1] as string,
      status,
      reason: line[3] as string,
      headers,
      body: body.body,
      trailers: body.trailers,
    };
    this.answers.push(answer);
    return answer;
  }

  #body(
    headers: Fields,
    start: number,
    over: boolean,
  ): { body: Buffer; trailers: Fields; end: number } | undefined {
    const of = (wanted: string) => headers.find(([name]) => name.toLowerCase() === wanted)?.[1];
    if (of('transfer-encoding') === 'chunked') return this.#chunks(start);
    const length = of('content-length');
    if (length !== undefined) {
      const end = start + Number(length);
      return this.#rest.length < end
        ? undefined
        : { body: this.#rest.subarray(start, end), trailers: [], end };
    }
    if (!over) return undefined;
    return { body: this.#rest.subarray(start), trailers: [], end: this.#rest.length };
  }

  #chunks(start: number): { body: Buffer; trailers: Fields; end: number } | undefined {
    const parts: Buffer[] = [];
    for (let at = start; ; ) {
      const lineEnd = this.#rest.indexOf('\r\n', at);
      if (lineEnd < 0) return undefined;
      const size = Number.parseInt(this.#rest.toString('latin1', at, lineEnd), 16);
      if (Number.isNaN(size)) {
        this.error = new Error('No size of a chunk where one must be');
        return undefined;
      }
      if (size === 0) {
        const end = this.#rest.indexOf('\r\n\r\n', lineEnd);
        if (end < 0) return undefined;
        const lines = this.#rest.toString('latin1', lineEnd + 2, end).split('\r\n');
        return { body: Buffer.concat(parts), trailers: fields(lines), end: end + 4 };
      }
      const next = lineEnd + 2 + size + 2;
      if (this.#rest.length < next) return undefined;
      parts.push(this.#rest.subarray(lineEnd + 2, lineEnd + 2 + size));
      at = next;
    }
  }
}

function fields(lines: readonly string[]): Fields {
  return lines
    .filter((line) => line !== '')
    .map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 1).trim()] as const;
    });
}

import { IncomingMessage, type RequestListener } from 'node:http';
import { Bench, type Client, type HeldSocket } from './connection.js';

const KEEP_ALIVE_MS = 3_600_000;

/** What the two servers have made of the same bytes. */
export interface Outcome {
  readonly output: string;
  /** Whether the server has ended the connection before the client did. */
  readonly isEnded: boolean;
}

/** Two outcomes that should be one. */
export interface Difference {
  readonly node: Outcome;
  readonly lean: Outcome;
}

/** What a client sends. */
export interface Sent {
  readonly pieces: readonly Buffer[];
  /** Of each request in it, whether it is a mutated one. */
  readonly mutated: readonly boolean[];
}

/** Answers with everything that a program can know of a request. */
export const telling: RequestListener = (request, response) => {
  const { method, url, httpVersion, rawHeaders, headers } = request;
  let body = '';
  request.setEncoding('latin1');
  request.on('data', (text: string) => {
    body += text;
  });
  request.on('end', () => {
    const { rawTrailers } = request;
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify({ method, url, httpVersion, rawHeaders, headers, body, rawTrailers }));
  });
};

/** What a comparison has seen so far. */
export interface Seen {
  /** Connections that were lean until the client ended them. */
  leanToTheEnd: number;
  /** Requests that node:http gave to the program, or refused. */
  requests: number;
  /** Those of them that were mutated. */
  mutated: number;
  /** Requests that the program had of lean. */
  readByLean: number;
}

/** Sends pieces to both, and compares. Undefined: they have done the same. */
export class Comparison {
  readonly seen: Seen = { leanToTheEnd: 0, requests: 0, mutated: 0, readByLean: 0 };
  readonly #node: Bench;
  readonly #lean: Bench;

  constructor(handler: RequestListener = telling) {
    this.#node = new Bench(counted(handler), false);
    this.#lean = new Bench(counted(handler), true);
    // Where this process has to wait for the processor, no connection is over by that.
    for (const { server } of [this.#node, this.#lean]) server.keepAliveTimeout = KEEP_ALIVE_MS;
  }

  async difference(pieces: readonly Buffer[]): Promise<Difference | undefined> {
    const [difference] = await this.differences([{ pieces, mutated: [] }]);
    return difference;
  }

  /** Of clients that send at the same time: one turn of the loop is waited for by all of them. */
  async differences(sent: readonly Sent[]): Promise<(Difference | undefined)[]> {
    const clients = sent.map(() => [this.#node.connect(), this.#lean.connect()] as const);
    const longest = Math.max(...sent.map(({ pieces }) => pieces.length));
    for (let at = 0; at < longest; at++) {
      for (const [i, pair] of clients.entries()) {
        const piece = sent[i]?.pieces[at];
        if (piece !== undefined) for (const client of pair) client.send(Buffer.from(piece));
      }
      await this.#settled();
    }
    const ended = clients.map(([node, lean], i) => {
      this.#count(node, lean, sent[i]?.mutated ?? []);
      return [node.isEnded, lean.isEnded] as const;
    });
    for (const client of clients.flat()) client.end();
    await this.#settled();
    const differences = clients.map(([node, lean], i) => {
      const [nodeEnded = false, leanEnded = false] = ended[i] ?? [];
      const outcomes = { node: outcomeOf(node, nodeEnded), lean: outcomeOf(lean, leanEnded) };
      const isSame = outcomes.node.output === outcomes.lean.output && nodeEnded === leanEnded;
      return isSame ? undefined : outcomes;
    });
    for (const client of clients.flat()) client.close();
    return differences;
  }

  #count(node: Client, lean: Client, mutated: readonly boolean[]): void {
    const { seen } = this;
    if (lean.isLean) seen.leanToTheEnd++;
    seen.readByLean += lean.requests.lean;
    const reached = Math.min(mutated.length, node.requests.all + (node.isEnded ? 1 : 0));
    seen.requests += reached;
    for (let i = 0; i < reached; i++) if (mutated[i]) seen.mutated++;
  }

  /** Resolves once the servers have nothing more to say: when nothing comes in two turns of the loop. */
  async #settled(): Promise<void> {
    for (let quiet = 0, last = -1; quiet < 2; ) {
      await new Promise((resolve) => setImmediate(resolve));
      const now = this.#node.sent + this.#lean.sent;
      quiet = now === last ? quiet + 1 : 0;
      last = now;
    }
  }
}

function counted(handler: RequestListener): RequestListener {
  return (request, response) => {
    const { requests } = request.socket as HeldSocket;
    requests.all++;
    if (request.constructor !== IncomingMessage) requests.lean++;
    handler(request, response);
  };
}

function outcomeOf({ output }: Client, isEnded: boolean): Outcome {
  return { output: output.replaceAll(/\r\nDate: [^\r]*/g, ''), isEnded };
}

/** `text` in pieces that begin at these places. */
export function split(text: string, places: readonly number[]): Buffer[] {
  const bytes = Buffer.from(text, 'latin1');
  const cuts = [...new Set(places.map((place) => place % Math.max(1, bytes.length)))].sort((a, b) => a - b);
  const starts = [0, ...cuts.filter((cut) => cut > 0)];
  return starts
    .map((start, i) => bytes.subarray(start, starts[i + 1] ?? bytes.length))
    .filter((piece) => piece.length > 0);
}

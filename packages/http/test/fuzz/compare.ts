import type { RequestListener } from 'node:http';
import { Bench, type Client } from './connection.js';

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

/** Sends `pieces` to both, and compares. Undefined: they have done the same. */
export class Comparison {
  readonly #node: Bench;
  readonly #lean: Bench;
  /** Connections that were lean until the client ended them. */
  leanToTheEnd = 0;

  constructor(handler: RequestListener = telling) {
    this.#node = new Bench(handler, false);
    this.#lean = new Bench(handler, true);
    // Where this process has to wait for the processor, no connection is over by that.
    for (const { server } of [this.#node, this.#lean]) server.keepAliveTimeout = KEEP_ALIVE_MS;
  }

  async difference(pieces: readonly Buffer[]): Promise<Difference | undefined> {
    const client = this.#lean.connect();
    const [node, lean] = await Promise.all([
      converse(this.#node.connect(), pieces),
      converse(client, pieces),
    ]);
    if (lean.wasLean) this.leanToTheEnd++;
    return node.output === lean.output && node.isEnded === lean.isEnded ? undefined : { node, lean };
  }
}

async function converse(client: Client, pieces: readonly Buffer[]): Promise<Outcome & { wasLean: boolean }> {
  for (const piece of pieces) {
    client.send(Buffer.from(piece));
    await settled(client);
  }
  const { isEnded, isLean: wasLean } = client;
  client.end();
  await settled(client);
  const output = client.output.replaceAll(/\r\nDate: [^\r]*/g, '');
  client.close();
  return { output, isEnded, wasLean };
}

/** Resolves once the server has nothing more to say: when nothing more comes in a turn of the loop. */
async function settled(client: Client): Promise<void> {
  for (let quiet = 0, last = ''; quiet < 2; ) {
    await new Promise((resolve) => setImmediate(resolve));
    const { output } = client;
    quiet = output === last ? quiet + 1 : 0;
    last = output;
  }
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

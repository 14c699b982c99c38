import type { ServerResponse } from 'node:http';
import type { Exchange } from './fetch-request.js';

/** Statuses whose answers have no body. */
const BODILESS: ReadonlySet<number> = new Set([101, 204, 205, 304]);

/** Where Node 20 and 22 keep what a response was made of. */
interface State {
  readonly body?: { readonly source?: unknown } | null;
}

/** Sends it. A promise where that takes time, which rejects when its body fails. Throws where it is no response. */
export function sendResponse(
  response: Response,
  { incoming, outgoing }: Exchange,
): Promise<void> | undefined {
  if (!(response instanceof Response) || response.status === 0)
    throw new TypeError('A fetch handler has to return a Response.');
  const { body, status } = response;
  if (outgoing.destroyed) return body?.locked ? undefined : body?.cancel();
  if (response.bodyUsed || body?.locked) throw new TypeError('The body of the Response is used already.');
  const hasNone = body === null || BODILESS.has(status);
  const source = hasNone ? undefined : sourceOf(response);
  setHead(response, outgoing);
  if (incoming.method === 'HEAD') {
    if (source !== undefined && !outgoing.hasHeader('content-length'))
      outgoing.setHeader('Content-Length', Buffer.byteLength(source));
    outgoing.end();
    return body?.cancel();
  }
  if (hasNone || source !== undefined) {
    outgoing.end(source);
    return undefined;
  }
  return stream(body, outgoing);
}

function setHead({ status, statusText, headers }: Response, outgoing: ServerResponse): void {
  outgoing.statusCode = status;
  if (statusText !== '') outgoing.statusMessage = statusText;
  for (const [name, value] of headers) if (name !== 'set-cookie') outgoing.setHeader(name, value);
  const cookies = headers.getSetCookie();
  if (cookies.length > 0) outgoing.setHeader('set-cookie', cookies);
}

/** Text or bytes that it was made of, where Node tells: those need not be read from a stream. */
function sourceOf(response: Response): string | Uint8Array | undefined {
  const state = stateSymbol(response);
  const { source } = (state && (response as unknown as Record<symbol, State>)[state])?.body ?? {};
  return typeof source === 'string' || source instanceof Uint8Array ? source : undefined;
}

let known: symbol | undefined;

function stateSymbol(response: Response): symbol | undefined {
  if (known !== undefined && known in response) return known;
  known = Object.getOwnPropertySymbols(response).find(({ description }) => description === 'state');
  return known;
}

/** Sends what the body gives as fast as the client takes it. An answer whose body has come whole in this turn is sent whole. */
async function stream(body: ReadableStream<Uint8Array>, outgoing: ServerResponse): Promise<void> {
  const reader = body.getReader();
  const onClose = () => {
    // A body that does not like to be told so has nobody left to tell.
    reader.cancel().catch(() => {});
  };
  outgoing.once('close', onClose);
  try {
    let reading = reader.read();
    // Whoever waits for what comes later wants to see the head now.
    if (!(await isSettled(reading))) outgoing.flushHeaders();
    let { done, value } = await reading;
    if (!done && !outgoing.headersSent) {
      reading = reader.read();
      if ((await isSettled(reading)) && (await reading).done) {
        outgoing.off('close', onClose);
        outgoing.end(bytesOf(value));
        return;
      }
      await write(value, outgoing);
      ({ done, value } = await reading);
    }
    while (!done && !outgoing.destroyed) {
      await write(value, outgoing);
      ({ done, value } = await reader.read());
    }
    outgoing.off('close', onClose);
    outgoing.end();
  } catch (error) {
    outgoing.off('close', onClose);
    reader.cancel(error).catch(() => {});
    throw error;
  }
}

async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const note = () => {
    settled = true;
  };
  promise.then(note, note);
  await new Promise((resolve) => setImmediate(resolve));
  return settled;
}

/** Resolves once there is room for more, or nobody to read it. */
async function write(chunk: Uint8Array | undefined, outgoing: ServerResponse): Promise<void> {
  const bytes = bytesOf(chunk);
  if (outgoing.destroyed || outgoing.write(bytes) || outgoing.destroyed) return;
  await new Promise<void>((resolve) => {
    const settle = () => {
      outgoing.off('drain', settle);
      outgoing.off('close', settle);
      resolve();
    };
    outgoing.on('drain', settle);
    outgoing.on('close', settle);
  });
}

function bytesOf(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk;
  throw new TypeError('The body of a Response has to give Uint8Arrays.');
}

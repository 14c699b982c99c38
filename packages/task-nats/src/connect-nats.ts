import { connect, type NatsConnection } from '@nats-io/transport-node';
import { withoutCredentials } from './servers.js';

/** Milliseconds between two attempts to connect, at first and at most. */
export const FIRST_WAIT_MS = 50;
const LAST_WAIT_MS = 2_000;
/** Milliseconds in which a server has to send what NATS sends first. */
const GREETING_MS = 5_000;
/** A server that does not answer two of these is gone. */
const PING_MS = 3_000;
const MOST_PINGS_OUT = 2;

/** Where a NATS is, and who connects. */
export interface NatsAddress {
  readonly servers: readonly string[];
  readonly user?: string | undefined;
  readonly pass?: string | undefined;
  readonly token?: string | undefined;
}

/**
 * Connects, for as long as it takes; `away` hears of the first failure. A connection that is lost later the client makes again itself, for
 * ever. Undefined: `signal` was aborted before.
 */
export async function connectNats(
  { servers, user, pass, token }: NatsAddress,
  away: (error: Error) => void,
  signal: AbortSignal,
): Promise<NatsConnection | undefined> {
  let isTold = false;
  for (let wait = FIRST_WAIT_MS; !signal.aborted; wait = Math.min(2 * wait, LAST_WAIT_MS)) {
    try {
      const nats = await connect({
        servers: [...servers],
        ...(user !== undefined && { user }),
        ...(pass !== undefined && { pass }),
        ...(token !== undefined && { token }),
        timeout: GREETING_MS,
        // An error is made for each request otherwise, for its stack, in case it fails.
        noAsyncTraces: true,
        pingInterval: PING_MS,
        maxPingOut: MOST_PINGS_OUT,
        maxReconnectAttempts: -1,
        reconnectTimeWait: 4 * FIRST_WAIT_MS,
        ignoreAuthErrorAbort: true,
      });
      if (!signal.aborted) return nats;
      await nats.close();
    } catch (error) {
      if (!isTold && !signal.aborted) away(explained(error as Error, servers));
      isTold = true;
      await sleep(wait, signal);
    }
  }
  return undefined;
}

/** A server that waits to be spoken to, as Redis and HTTP servers do, is silent to a client of NATS, which says no more than `timeout`. */
function explained(error: Error, servers: readonly string[]): Error {
  if (error.name !== 'TimeoutError') return error;
  const where = withoutCredentials(servers.join(', '));
  return new Error(
    `No NATS has answered at ${where} within ${GREETING_MS} ms: its machine is away, or another server listens there, as Redis or one of HTTP.`,
    { cause: error },
  );
}

async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const wake = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', wake);
      resolve();
    };
    const timer = setTimeout(wake, ms);
    signal.addEventListener('abort', wake, { once: true });
    if (signal.aborted) wake();
  });
}

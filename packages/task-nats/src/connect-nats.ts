import { connect, type NatsConnection } from '@nats-io/transport-node';

/** Milliseconds between two attempts to connect, at first and at most. */
export const FIRST_WAIT_MS = 50;
const LAST_WAIT_MS = 2_000;
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
        pingInterval: PING_MS,
        maxPingOut: MOST_PINGS_OUT,
        maxReconnectAttempts: -1,
        reconnectTimeWait: 4 * FIRST_WAIT_MS,
        ignoreAuthErrorAbort: true,
      });
      if (!signal.aborted) return nats;
      await nats.close();
    } catch (error) {
      if (!isTold && !signal.aborted) away(error as Error);
      isTold = true;
      await sleep(wait, signal);
    }
  }
  return undefined;
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

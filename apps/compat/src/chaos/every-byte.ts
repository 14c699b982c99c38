import { CheckedConnection, question } from './asking.js';
import { type Counts, noCounts } from './counts.js';

export interface EveryByteOptions {
  readonly port: number;
  /** Ends the process that has the connection, and waits until it is gone. */
  readonly kill: (pid: number) => Promise<void>;
  /** Waits until the server takes connections again, where it is one process. */
  readonly ready?: () => Promise<void>;
  readonly timeoutMs?: number;
  /** The positions that are tried; default: every one. */
  readonly positions?: (length: number) => Iterable<number>;
}

/** What a body holds that must never be read as a request; its answer has no id, and the program prints it. */
const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n';

/** What became of the request at each position, and of its connection. */
export interface EveryByteResult {
  readonly counts: Counts;
  /** Behind a first answer a second came, or the connection had answers that nothing asked for. */
  readonly second: number;
  /** It announced the end of the connection, which did not come. */
  readonly stayedOpen: number;
}

/**
 * Kills the process that has a connection at each byte position of a request whose body looks like a request: there must
 * never be two answers to it, and its body must never be read as one.
 */
export async function killedAtEveryByte(options: EveryByteOptions): Promise<EveryByteResult> {
  const { port, kill, ready, timeoutMs = 10_000 } = options;
  const counts = noCounts();
  let second = 0;
  let stayedOpen = 0;
  const { length } = question('0', Buffer.from(SMUGGLED)).bytes;
  for (const at of options.positions?.(length) ??
    Array.from({ length: length - 1 }, (_, index) => index + 1)) {
    await ready?.();
    using connection = await CheckedConnection.open(port);
    if (connection === undefined) {
      counts.refused++;
      continue;
    }
    const first = await connection.ask(question('first', Buffer.from('which process?')), { timeoutMs });
    if (first.kind !== 'ok' || first.pid === undefined) {
      throw new Error(`The request before the kill at ${at} was not answered: ${first.kind} ${first.detail}`);
    }
    const { pid } = first;
    const asked = await connection.ask(question(`at-${at}`, Buffer.from(SMUGGLED)), {
      timeoutMs,
      splitAt: at,
      between: () => kill(pid),
    });
    counts[asked.kind]++;
    if (asked.goesOn) {
      // One more on the same connection: answers that have slipped show as a wrong id.
      const next = await connection.ask(question(`behind-${at}`, Buffer.from('behind')), { timeoutMs });
      if (next.kind === 'wrong') second++;
    } else if (asked.kind === 'badGateway' || asked.kind === 'unavailable') {
      const rest = await connection.wait(timeoutMs);
      if (rest === undefined) stayedOpen++;
      else if (rest.kind === 'wrong') second++;
    }
  }
  return { counts, second, stayedOpen };
}

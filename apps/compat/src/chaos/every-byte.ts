import { CheckedConnection, question } from './asking.js';
import type { ByteCase } from './byte-cases.js';
import { type Counts, noCounts } from './counts.js';

export interface EveryByteOptions {
  readonly port: number;
  /** Ends the processes that have the connections, and waits until they are gone. */
  readonly kill: () => Promise<void>;
  readonly timeoutMs?: number;
  /** The positions that are tried; default: every one, and the end. */
  readonly positions?: (length: number) => Iterable<number>;
  /** So many connections are open at once, each split at another byte, when the processes are killed. Default: 256. */
  readonly atOnce?: number;
}

/** What became of the requests at each position, and of their connections. */
export interface EveryByteResult {
  readonly counts: Counts;
  readonly kills: number;
  /** Connections with more answers than they had asked for, or with an answer behind the last. */
  readonly second: number;
  /** It announced the end of the connection, which did not come. */
  readonly stayedOpen: number;
}

/**
 * Kills the processes that have connections while each is at another byte position of requests whose bodies look like requests:
 * there must never be two answers to one, and no body must be read as one.
 */
export async function killedAtEveryByte(
  { questions }: ByteCase,
  options: EveryByteOptions,
): Promise<EveryByteResult> {
  const { port, kill, timeoutMs = 30_000, atOnce = 256 } = options;
  const result = { counts: noCounts(), kills: 0, second: 0, stayedOpen: 0 };
  const length = questions.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const positions = [...(options.positions?.(length) ?? Array.from({ length }, (_, index) => index + 1))];

  const one = async (at: number, between: () => Promise<void>): Promise<void> => {
    using connection = await CheckedConnection.open(port);
    if (connection === undefined) {
      result.counts.refused++;
      return between();
    }
    const first = await connection.ask(question('before', Buffer.from('which process?')), { timeoutMs });
    if (first.kind !== 'ok')
      throw new Error(`The request before the kill at ${at} was not answered: ${first.kind} ${first.detail}`);
    const asked = await connection.askAll(questions, { timeoutMs, splitAt: at, between });
    result.counts[asked.kind]++;
    const { answers } = connection;
    if (asked.goesOn) {
      // One more on the same connection: answers that have slipped show as a wrong id.
      const next = await connection.ask(question(`behind-${at}`, Buffer.from('behind')), { timeoutMs });
      if (next.kind === 'wrong') result.second++;
    } else if (asked.kind === 'badGateway' || asked.kind === 'unavailable' || asked.kind === 'ok') {
      const rest = await connection.wait(timeoutMs);
      if (rest === undefined) result.stayedOpen++;
      if (rest?.kind === 'wrong' || connection.answers > answers) result.second++;
    }
  };

  for (let from = 0; from < positions.length; from += atOnce) {
    const some = positions.slice(from, from + atOnce);
    let sent = 0;
    let killed: () => void = () => {};
    const isKilled = new Promise<void>((resolve) => {
      killed = resolve;
    });
    const between = async () => {
      if (++sent < some.length) return isKilled;
      result.kills++;
      await kill();
      killed();
    };
    await Promise.all(some.map((at) => one(at, between)));
  }
  return result;
}

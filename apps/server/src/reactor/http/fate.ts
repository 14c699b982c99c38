import { PROGRESS_INSIDE, progressRequest } from '../../shared/connection-layout.js';

/** What a client has at the death of its worker. */
export type Fate =
  /** It is between two requests, or behind the answer to one that it has not sent to its end: the next process goes on. */
  | 'goes-on'
  /** A request has been taken and nothing answered. */
  | 'bad-gateway'
  /** The next process cannot go on, and nothing is owed: the worker had ended what the client gets. */
  | 'closed'
  /** In the middle of an answer, or of what only that process knew: half of it must not be taken for the whole. */
  | 'reset'
  /** A WebSocket between two frames. */
  | 'going-away';

/** How far a client and its worker are, as the reactor thread has seen it. Numbers of requests are modulo 2^24. */
export interface Progress {
  readonly isStream: boolean;
  /** From some byte on requests are not cut. */
  readonly isOpaque: boolean;
  readonly upgraded: boolean;
  /** It is a WebSocket whose messages are numbered on as requests, and the program can resume it. */
  readonly resumable: boolean;
  /** Something was sent since it was upgraded. */
  readonly speaks: boolean;
  /** The worker said that it sends no more. */
  readonly outputEnded: boolean;
  /** The last request of which something was sent to the worker. */
  readonly sent: number;
  /** The rest of it is still to be sent. */
  readonly inside: boolean;
  /** Answers that have gone to the client whole. */
  readonly answered: number;
  /** Another one has begun; or an upgraded connection is not between two frames. */
  readonly begun: boolean;
}

/** Whether request `a` comes after `b`, by the sign of their difference. */
export const isAfter = (a: number, b: number): boolean => ((a - b) << 8) >> 8 > 0;

/** Whether what the worker has taken ends with a whole message. */
function isBetweenMessages({ sent, inside }: Progress, word: number): boolean {
  const taken = progressRequest(word);
  return (word & PROGRESS_INSIDE) === 0 && !isAfter(taken, sent) && !(taken === sent && inside);
}

/**
 * What becomes of a client whose worker has died: `word` is what that worker has written in PROGRESS, before its parser had the
 * bytes. It may have written anything: what cannot be ends the connection, and no other one.
 */
export function fateOf(client: Progress, word: number): Fate {
  const { sent, answered } = client;
  // Its worker says so before the program sees anything of it.
  if (client.isStream) return word === 0 ? 'goes-on' : 'reset';
  if (client.outputEnded) return client.begun ? 'reset' : 'closed';
  if (client.upgraded && client.speaks) {
    if (client.begun) return 'reset';
    return client.resumable && isBetweenMessages(client, word) ? 'goes-on' : 'going-away';
  }
  if (client.begun) return 'reset';
  const taken = progressRequest(word);
  if (isAfter(taken, sent)) return 'reset';
  // There may be more than one request in what is not cut: some of them have been answered.
  if (client.isOpaque && !isAfter(sent, answered)) return 'reset';
  if (isAfter(taken, answered)) return 'bad-gateway';
  return isAfter(answered, taken) ? 'reset' : 'goes-on';
}

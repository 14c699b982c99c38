/** What became of requests and connections. Whatever can happen has a kind; nothing is left out. */
export interface Counts {
  /** Its own id, its own body, whole. */
  ok: number;
  /** 502 to a request in hand. */
  badGateway: number;
  /** 503: no worker. */
  unavailable: number;
  /** A reset before the answer was whole. */
  reset: number;
  /** An end, without a reset, in the middle of an answer: its client may take half for whole. */
  cut: number;
  /** An end, without a reset, to a request of which nothing was answered. */
  unanswered: number;
  /** An end while nothing was asked, which no `Connection: close` had announced. */
  closedAtBoundary: number;
  /** Another status, another id, another body, no HTTP, or an answer that nothing asked for. */
  wrong: number;
  /** Nothing, for as long as was waited. */
  late: number;
  /** A connection that was not accepted. */
  refused: number;
}

export const KINDS = [
  'ok',
  'badGateway',
  'unavailable',
  'reset',
  'cut',
  'unanswered',
  'closedAtBoundary',
  'wrong',
  'late',
  'refused',
] as const satisfies readonly (keyof Counts)[];

export function noCounts(): Counts {
  return Object.fromEntries(KINDS.map((kind) => [kind, 0])) as unknown as Counts;
}

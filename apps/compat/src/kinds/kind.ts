import type { Served } from '../start.js';
import type { Target } from '../wire/wire.js';

/** What a kind of request is run against. */
export interface Site extends Target {
  readonly served: Served;
}

/** A kind of request: run against a program under plain node and under the command under test, it must show the same. */
export interface Kind {
  /** Ends the sentence that begins with the name of the program. */
  readonly says: string;
  /** What the program must have for it. */
  readonly needs?: string;
  /** Runs it, and returns what its client has seen, less what differs from one start to the next. */
  readonly run: (site: Site) => Promise<unknown>;
  /** What may be seen as well where the server takes what was sent in one piece in several: what plain node gives for those. */
  readonly apart?: (plain: Site) => Promise<readonly unknown[]>;
  /** Found in what was seen as JSON: a kind that fails in the same way on both sides shows nothing. */
  readonly shows: RegExp;
}

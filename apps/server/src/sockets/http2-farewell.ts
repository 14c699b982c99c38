import type { ServerHttp2Session } from 'node:http2';

/** Milliseconds in which a session of HTTP/2 that is to end may come to a better moment for that. */
const WAIT_MS = 500;

/** Of a session: its streams that are under way, how many there have been, and at most at one time. */
export class Streams {
  open = 0;
  opened = 0;
  /** One has begun, which the program has not been given yet. */
  onBegun: () => void = () => {};
  #most = 0;

  /** One more is under way, up to a call of the function that this returns. */
  begin(): () => void {
    this.opened++;
    this.open++;
    this.#most = Math.max(this.#most, this.open);
    this.onBegun();
    return () => {
      this.open--;
    };
  }

  /** Whether as many are under way as the client has had at most: hardly another one is on its way, as long as none of them is answered. */
  get all(): boolean {
    return this.open > 0 && this.open === this.#most;
  }
}

/**
 * Ends a session: its client is told to come anew, by a GOAWAY with the last stream that is answered; what is under way is. Streams that are
 * on their way at that moment are refused: no process has seen them, and clients repeat them (RFC 9113, section 8.7).
 *
 * There would be none if a first GOAWAY said that every stream is answered still (section 6.8); but by node:http2 no
 * stream is taken after any GOAWAY, whatever it says. So the moment is one in which few or none are on their way: as many streams are open
 * as ever, before the last of them is answered; or none has come for a while.
 */
export function sayGoodbye(session: ServerHttp2Session, streams: Streams): void {
  const close = () => {
    if (!session.closed && !session.destroyed) session.close();
  };
  const closeIfAll = () => {
    if (streams.all) close();
  };
  streams.onBegun = closeIfAll;
  closeIfAll();
  const { opened } = streams;
  setTimeout(() => {
    // It asks again and again, and less than it has at other times.
    if (streams.opened > opened) streams.onBegun = close;
    closeOnceQuiet(close, streams);
  }, WAIT_MS).unref();
}

/** When no stream has been opened for a while. */
function closeOnceQuiet(close: () => void, streams: Streams): void {
  const { opened } = streams;
  const look = () => {
    if (streams.opened === opened) close();
    else closeOnceQuiet(close, streams);
  };
  // Behind what has come while this process had no turn.
  setTimeout(() => setImmediate(() => setImmediate(look)), WAIT_MS).unref();
}

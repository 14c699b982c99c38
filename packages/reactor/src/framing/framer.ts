/** The frame cannot be: longer than the limit, or shorter than its own header. */
export const MALFORMED = -1;

/**
 * Finds where the frame that begins at `start` ends.
 *
 * Returns its length in bytes, 0 when more bytes are needed, {@link MALFORMED} when the stream cannot go on.
 * `scanned` bytes after `start` have been looked at before. After 0, `needed` says how long the frame will be, 0 when
 * that is not known yet. A framer remembers nothing beyond its last call, so many streams may share one; one that has to finds
 * what it knows of a stream by `stream`, which is the connection.
 */
export interface Framer {
  measure(bytes: Buffer, start: number, end: number, scanned: number, stream?: unknown): number;
  readonly needed: number;
  /** Bytes at a frame's end that are not delivered. */
  readonly trailer: number;
  /** What made the stream malformed, where a user's function has thrown. */
  readonly error?: unknown;
}

/** What has made `framer` call a stream malformed just now, where that was an error of a user's function. */
export function failureOf({ error }: Framer): Error | undefined {
  return error === undefined || error instanceof Error ? error : new Error(String(error));
}

/** Bytes of long messages after which strings are read natively. */
const WORTH_LOADING = 64 * 1024;

let left = WORTH_LOADING;

/**
 * Counts what is unpacked; from a certain amount on lets msgpackr read strings natively. A list of strings is then read up to
 * five times as fast, but loading that takes 15 ms of processor time, which processes that only hear short messages, or
 * have just been started to serve somebody, need not wait for. Its entry module turns it on where it is installed.
 */
export function countUnpacked(bytes: number): void {
  if (left <= 0) return;
  left -= bytes;
  // Where it cannot be loaded any more (a new root directory, a deleted one), they are read as they have been.
  if (left <= 0) import('msgpackr').catch(() => {});
}

/**
 * After how many jobs a process is replaced: `limit`, and up to `grace` more, drawn for each process, so that they do
 * not all come to their end at once. `limit` 0: never.
 */
export function drawLimit(limit: number, grace: number): number {
  if (limit === 0) return Number.POSITIVE_INFINITY;
  return grace === 0 ? limit : limit + 1 + Math.floor(Math.random() * grace);
}

import type { ServerResponse } from 'node:http';

/** Of every answer. What is no page has nothing to load; a page says so in more words. */
export const GUARD_HEADERS = [
  ['x-content-type-options', 'nosniff'],
  ['content-security-policy', "default-src 'none'; frame-ancestors 'none'"],
  ['cross-origin-resource-policy', 'same-origin'],
  ['referrer-policy', 'no-referrer'],
] as const;

/** For answers that have headers of their own to add. */
export function setGuardHeaders(response: ServerResponse): void {
  for (const [name, value] of GUARD_HEADERS) response.setHeader(name, value);
}

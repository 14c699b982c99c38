import type { IncomingMessage, ServerResponse } from 'node:http';
import { isIP } from 'node:net';
import { RequestError } from './replies.js';

/** Of every answer. What is no page has nothing to load; a page says so in more words. */
export function setGuardHeaders(response: ServerResponse): void {
  response.setHeader('x-content-type-options', 'nosniff');
  response.setHeader('content-security-policy', "default-src 'none'; frame-ancestors 'none'");
  response.setHeader('cross-origin-resource-policy', 'same-origin');
  response.setHeader('referrer-policy', 'no-referrer');
}

/**
 * Refuses what a page of another site asks for through the browser of who may ask. It is for the socket that takes no token, which
 * `ssh -L 9600:/run/millrace/app.sock` gives a port that every page in that browser reaches. Such a page is told apart by its `Origin`;
 * and one whose name was made to resolve to this machine, by the name in `Host`: a name with a dot may be anybody's.
 * Where a token is asked for no page of another site has it, and a proxy before the server may name it as it likes.
 */
export function assertNotForeign({ headers: { host = '', origin } }: IncomingMessage): void {
  if (!isLocalName(host))
    throw new RequestError(
      403,
      'HOST',
      `This is no name of this machine: ${JSON.stringify(host)}. Ask for localhost.`,
    );
  if (origin !== undefined && origin !== `http://${host}`)
    throw new RequestError(403, 'ORIGIN', `A page of ${JSON.stringify(origin)} may not ask this.`);
}

function isLocalName(host: string): boolean {
  const name = host.replace(/:\d{1,5}$/, '').replace(/^\[(.*)\]$/, '$1');
  return isIP(name) !== 0 || name.endsWith('.localhost') || !name.includes('.');
}

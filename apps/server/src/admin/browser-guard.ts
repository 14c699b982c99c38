import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { RequestError } from './replies.js';

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
  return !name.includes('.') || name.endsWith('.localhost') || isIP(name) !== 0;
}

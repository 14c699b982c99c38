import type { IncomingMessage } from 'node:http';

/** A host and a port as they may stand in a URL, and nothing else: what has a path or a user in it would move what comes behind. */
const HOST = /^(?:[a-z0-9\-._~!$&'()*+,;=%]+|\[[0-9a-f:.]+\])(?::\d{0,5})?$/i;

/** A host that a URL does not change, and a port that is one. */
const PLAIN_HOST = /^[a-z][a-z0-9-]*(?:\.[a-z][a-z0-9-]*)*(?::(?:[1-5]\d{4}|[1-9]\d{3}))?$/;

/** What a URL does not look at more closely. */
const MAX_PLAIN_HOST = 64;

/** A path and a query that a URL does not change: without a dot or a percent sign behind a slash, that is. */
const PLAIN_TARGET =
  /^\/(?:[A-Za-z0-9\-_~!$&()*+,;=:@]+(?:\/|(?=\?|$)))*(?:\?[A-Za-z0-9\-._~!$&()*+,;=:@%/?]*)?$/;

/** Where a request came by, as a `Request` says it. Undefined: there is no such URL. */
export function requestUrl({ headers, url = '/', socket }: IncomingMessage): string | undefined {
  const scheme = (socket as { readonly encrypted?: boolean }).encrypted === true ? 'https' : 'http';
  const host = headers.host ?? localHost(socket);
  if (PLAIN_HOST.test(host) && PLAIN_TARGET.test(url) && host.length < MAX_PLAIN_HOST)
    return `${scheme}://${host}${url}`;
  if (!HOST.test(host)) return undefined;
  // What is asked of a proxy says it all; of the server as a whole there is no path.
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(url) ? url : `${scheme}://${host}${url === '*' ? '/*' : url}`;
  if (!URL.canParse(text)) return undefined;
  const parsed = new URL(text);
  const isOfHttp = parsed.protocol === 'http:' || parsed.protocol === 'https:';
  if (!isOfHttp || parsed.username !== '' || parsed.password !== '') return undefined;
  return parsed.href;
}

/** A client of HTTP/1.0 need not say whom it asks. */
function localHost({ localAddress, localPort }: IncomingMessage['socket']): string {
  if (localAddress === undefined) return 'localhost';
  return localAddress.includes(':') ? `[${localAddress}]:${localPort}` : `${localAddress}:${localPort}`;
}

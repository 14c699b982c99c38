import * as fc from 'fast-check';

const methods = fc.constantFrom(
  'GET',
  'GET',
  'GET',
  'POST',
  'PUT',
  'DELETE',
  'HEAD',
  'OPTIONS',
  'PATCH',
  'TRACE',
  'get',
  'CONNECT',
);
const targets = fc.constantFrom(
  '/',
  '/a?b=c&d=%20',
  '/a/../b',
  '//host/path',
  '/a#b',
  '*',
  'http://a/b',
  '/\u00e9',
  '/a b',
  '/[x]|{y}',
  '/"<>^`\\',
  '',
);
const versions = fc.constantFrom(
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.0',
  'HTTP/2.0',
  'HTTP/1.2',
  'http/1.1',
  'HTTP/0.9',
);
const FIELDS = [
  'Host: a',
  'Host:a',
  'host: a:80',
  'Accept: */*',
  'Accept: text/html',
  'Cookie: a=b',
  'Cookie: c=d; e=f',
  'Set-Cookie: x',
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64)',
  'Content-Length: 0',
  'Content-Length: 3',
  'Content-Length: 5',
  'Content-Length: 03',
  'Content-Length: +3',
  'Content-Length: 3, 3',
  'Content-Length: 99999999999999999999',
  'Content-Length: -1',
  'Content-Length:',
  'Content-Length : 3',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: gzip, chunked',
  'Transfer-Encoding: identity',
  'Transfer-Encoding : chunked',
  'Connection: keep-alive',
  'Connection: Keep-Alive',
  'Connection: close',
  'Connection: upgrade',
  'Connection: keep-alive, close',
  'Proxy-Connection: close',
  'Upgrade: websocket',
  'Expect: 100-continue',
  'Expect: x',
  'Trailer: x',
  'TE: trailers',
  'Keep-Alive: timeout=5',
  '__proto__: x',
  'constructor: x',
  'X-Empty:',
  'X-Empty: ',
  'X-Space:  two',
  'X-Trail: a ',
  'X-Tab:\ta',
  'X-Inner: a\tb',
  'X-High: \u00e9',
  'X-Nul: a\0b',
  'X-Cr: a\rb',
  'X-Colon: a:b: c',
  ' folded',
  '\tfolded',
  ': no-name',
  'no-colon',
  'X@Y: bad',
  'If-Modified-Since: x',
  'If-Modified-Since: y',
  'Referer: x',
  'Referer: y',
];
const fields = fc.constantFrom(...FIELDS);
const plainFields = fc.constantFrom(
  'Accept: */*',
  'Cookie: a=b',
  'X-A: b',
  'Content-Length: 3',
  'Connection: keep-alive',
  'X-A: c',
);
const lineEnds = fc.constantFrom(
  '\r\n',
  '\r\n',
  '\r\n',
  '\r\n',
  '\r\n',
  '\r\n',
  '\r\n',
  '\r\n',
  '\n',
  '\r',
  '\r\r\n',
);
const bodies = fc.constantFrom(
  '',
  '',
  'abc',
  'abcde',
  '3\r\nabc\r\n0\r\n\r\n',
  '3;x=y\r\nabc\r\n0\r\nT: x\r\n\r\n',
  '\r\n',
  'GET / HTTP/1.1\r\nHost: b\r\n\r\n',
);

/** A request that is well-formed, but for its body, which may be too long or too short. */
const plain = fc
  .tuple(
    fc.constantFrom('GET', 'POST', 'PUT', 'HEAD'),
    fc.constantFrom('/', '/a?b=c'),
    fc.array(plainFields, { maxLength: 4 }),
    bodies,
  )
  .map(
    ([method, target, more, body]) =>
      `${method} ${target} HTTP/1.1\r\n${['Host: a', ...more].join('\r\n')}\r\n\r\n${body}`,
  );

/** A request made of parts of which some have no or several meanings. */
const odd = fc
  .tuple(methods, targets, versions, fc.array(fields, { maxLength: 5 }), lineEnds, lineEnds, bodies)
  .map(([method, target, version, more, end, last, body]) => {
    const lines = [`${method} ${target} ${version}`, 'Host: a', ...more];
    return `${lines.join(end)}${last}${last}${body}`;
  });

/** Any byte, those more often that mean something. */
const bytes = fc.oneof(
  fc.constantFrom('', '\r', '\n', ' ', '\t', '\0', ':', 'A', '\x7f', '\xff', '\r\n'),
  fc.nat(255).map((code) => String.fromCharCode(code)),
);

/** One byte of it is another, is missing or is there twice. */
const mutated = fc
  .tuple(fc.oneof(plain, odd), fc.nat(), bytes, fc.boolean())
  .map(([request, place, byte, replaces]) => mutate(request, place, byte, replaces));

/** As `plain`, with a body as long as it says. */
const sound = fc
  .tuple(
    fc.constantFrom('', 'a', 'x=y&z', '\r\n\r\n', '\0\xff'),
    fc.array(fc.constantFrom('Accept: */*', 'Cookie: a=b', 'x-a: b'), { maxLength: 5 }),
  )
  .map(([body, more]) => {
    const fields = ['Host: a', ...more, ...(body === '' ? [] : [`Content-Length: ${body.length}`])];
    return `${body === '' ? 'GET' : 'POST'} /${more.length} HTTP/1.1\r\n${fields.join('\r\n')}\r\n\r\n${body}`;
  });

/** A part of a sound request is another, and most are sound still: these are what lean reads by itself. */
const varied = fc
  .tuple(
    sound,
    fc.oneof(
      { weight: 40, arbitrary: fc.constantFrom(...'!$&*=AZaz09_~-.') },
      { weight: 1, arbitrary: fc.constantFrom(...' #%/:;?@,"<>[]{}|\\^`') },
    ),
    fc.nat(),
    fc.oneof(
      { weight: 40, arbitrary: fc.constantFrom('target', 'name', 'value', 'body') },
      { weight: 1, arbitrary: fc.constantFrom('method', 'field') },
    ),
  )
  .map(([request, character, place, part]) => vary(request, character, place, part));

const NAMES = ['x', 'Accep', 'cookie', 'set-Cookie', 'hos', '__proto_', 'constructo', 'Content-Length', '0'];
const METHODS = ['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'DELETE', 'QUERY', 'PURGE'];

function mutate(request: string, place: number, byte: string, replaces: boolean): string {
  const at = place % Math.max(1, request.length);
  return request.slice(0, at) + byte + request.slice(replaces ? at + 1 : at);
}

function vary(request: string, character: string, place: number, part: string): string {
  const lineEnd = request.indexOf('\r\n');
  const headEnd = request.indexOf('\r\n\r\n');
  const within = (start: number, end: number) => start + (place % Math.max(1, end - start));
  switch (part === 'body' && request.length === headEnd + 4 ? 'target' : part) {
    case 'target':
      return mutate(request, within(request.indexOf('/') + 1, lineEnd - 8), character, false);
    case 'method':
      return `${METHODS[place % METHODS.length]}${request.slice(request.indexOf(' '))}`;
    case 'name':
      return `${request.slice(0, lineEnd)}\r\n${NAMES[place % NAMES.length]}${character}: a${request.slice(lineEnd)}`;
    case 'value':
      return mutate(
        request,
        within(request.indexOf(': ', lineEnd) + 2, request.indexOf('\r\n', lineEnd + 2)),
        character,
        false,
      );
    case 'field':
      return `${request.slice(0, lineEnd)}\r\n${FIELDS[place % FIELDS.length]}${request.slice(lineEnd)}`;
    default:
      return mutate(request, within(headEnd + 4, request.length), character, true);
  }
}

/** What one client sends: requests of all kinds, one after the other. */
export interface Conversation {
  readonly text: string;
  /** Of each request in turn, whether it is anything else than sound. */
  readonly mutated: readonly boolean[];
  /** Where it is to be cut. */
  readonly places: readonly number[];
}

export const conversations: fc.Arbitrary<Conversation> = fc
  .tuple(
    fc.array(sound, { maxLength: 2 }),
    fc.array(varied, { maxLength: 40, size: 'max' }),
    fc.array(fc.oneof(plain, odd, mutated), { maxLength: 2 }),
    fc.array(sound, { maxLength: 1 }),
    // Anywhere.
    fc.array(fc.nat(), { maxLength: 2 }),
    // Where a request begins: what comes behind one that is to be read by node:http has that fate with it.
    fc.nat(3),
  )
  .map(([first, varied, odd, last, anywhere, together]) => {
    const requests = [...first, ...varied, ...odd, ...last];
    let at = 0;
    const starts = requests.map((request) => (at += request.length));
    return {
      text: requests.join(''),
      mutated: requests.map((_, i) => i >= first.length && i < requests.length - last.length),
      places: [...anywhere, ...(together === 0 ? [] : starts)],
    };
  });

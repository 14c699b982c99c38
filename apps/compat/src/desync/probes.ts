/** Bytes about which two readers of HTTP could disagree. */
export interface Probe {
  /** Completes "answers ...". */
  readonly says: string;
  readonly bytes: Buffer;
}

const HEAD = 'POST / HTTP/1.1\r\nHost: a\r\n';
/** What stands behind every probe: read as a request where the probe has ended, and as its body where it has not. */
const BEHIND = 'GET /b HTTP/1.1\r\nHost: a\r\n\r\n';

const probe = (says: string, text: string): Probe => ({
  says,
  bytes: Buffer.from(`${text}${BEHIND}`, 'latin1'),
});
/** A body of three bytes behind these fields. */
const fields = (says: string, lines: string, body = 'abc'): Probe =>
  probe(says, `${HEAD}${lines}\r\n\r\n${body}`);
/** Chunks as they stand. */
const chunks = (says: string, body: string): Probe => fields(says, 'Transfer-Encoding: chunked', body);

const CHUNKED = '3\r\nabc\r\n0\r\n\r\n';

export const PROBES: readonly Probe[] = [
  probe('a plain request', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'),

  fields('a length', 'Content-Length: 3'),
  fields('the same length twice', 'Content-Length: 3\r\nContent-Length: 3'),
  fields('two lengths', 'Content-Length: 3\r\nContent-Length: 4'),
  fields('two lengths in one field', 'Content-Length: 3, 3'),
  fields('two different lengths in one field', 'Content-Length: 3, 4'),
  fields('a length with a plus sign', 'Content-Length: +3'),
  fields('a length with a minus sign', 'Content-Length: -3'),
  fields('a length with a zero before it', 'Content-Length: 03'),
  fields('a hexadecimal length', 'Content-Length: 0x3'),
  fields('a length with a fraction', 'Content-Length: 3.0'),
  fields('a length with an exponent', 'Content-Length: 3e0'),
  fields('an empty length', 'Content-Length: '),
  fields('a length with a word behind it', 'Content-Length: 3 abc'),
  fields('a length with spaces and tabs around it', 'Content-Length: \t 3 \t'),
  fields('a length in two parts', 'Content-Length: 1 2'),
  fields('a length beyond 64 bits', 'Content-Length: 18446744073709551619'),
  fields('a length of 2^63', 'Content-Length: 9223372036854775808'),
  fields('a length with an underscore for the dash', 'Content_Length: 3'),
  fields('a length in another case', 'cOnTeNt-lEnGtH: 3'),
  fields('a length with a vertical tab before it', 'Content-Length: \x0b3'),
  probe('a GET with a body', 'GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc'),
  probe('a HEAD with a body', 'HEAD / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc'),
  probe('a POST with neither length nor chunks', `${HEAD}\r\n`),

  fields('chunks', 'Transfer-Encoding: chunked', CHUNKED),
  fields('a length before chunks', 'Content-Length: 3\r\nTransfer-Encoding: chunked', CHUNKED),
  fields('a length behind chunks', 'Transfer-Encoding: chunked\r\nContent-Length: 3', CHUNKED),
  fields('chunks twice', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked', CHUNKED),
  fields('chunks twice in one field', 'Transfer-Encoding: chunked, chunked', CHUNKED),
  fields('gzip, then chunks', 'Transfer-Encoding: gzip, chunked', CHUNKED),
  fields('chunks, then gzip', 'Transfer-Encoding: chunked, gzip', CHUNKED),
  fields('chunks, then identity', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity', CHUNKED),
  fields('an unknown coding', 'Transfer-Encoding: cow', CHUNKED),
  fields('an unknown coding with a length', 'Content-Length: 3\r\nTransfer-Encoding: cow'),
  fields('identity with a length', 'Content-Length: 3\r\nTransfer-Encoding: identity'),
  fields('chunks with a letter too many', 'Transfer-Encoding: xchunked', CHUNKED),
  fields('chunks in quotes', 'Transfer-Encoding: "chunked"', CHUNKED),
  fields('chunks in capitals', 'Transfer-Encoding: CHUNKED', CHUNKED),
  fields('chunks with a tab before them', 'Transfer-Encoding:\tchunked', CHUNKED),
  fields('chunks with a vertical tab before them', 'Transfer-Encoding: \x0bchunked', CHUNKED),
  fields('chunks with a parameter', 'Transfer-Encoding: chunked;q=1', CHUNKED),
  fields('an empty coding', 'Transfer-Encoding: ', CHUNKED),
  fields('chunks and a comma', 'Transfer-Encoding: chunked,', CHUNKED),
  probe('chunks of HTTP/1.0', `POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n${CHUNKED}`),
  probe(
    'chunks of HTTP/1.0 that is kept',
    `POST / HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n${CHUNKED}`,
  ),

  chunks('an extension of a chunk', '3;a=b\r\nabc\r\n0\r\n\r\n'),
  chunks('a quoted extension of a chunk', '3;a="\\"b"\r\nabc\r\n0\r\n\r\n'),
  chunks('an extension with a bare line feed', '3;a\nabc\r\n0\r\n\r\n'),
  chunks('an extension without a name', '3;\r\nabc\r\n0\r\n\r\n'),
  chunks('a long extension', `3;${'e'.repeat(17_000)}\r\nabc\r\n0\r\n\r\n`),
  chunks('a size with a space behind it', '3 \r\nabc\r\n0\r\n\r\n'),
  chunks('a size with a space before it', ' 3\r\nabc\r\n0\r\n\r\n'),
  chunks('a size with a plus sign', '+3\r\nabc\r\n0\r\n\r\n'),
  chunks('a size with a minus sign', '-3\r\nabc\r\n0\r\n\r\n'),
  chunks('a size with 0x before it', '0x3\r\nabc\r\n0\r\n\r\n'),
  chunks('a size with an underscore', '0_3\r\nabc\r\n0\r\n\r\n'),
  chunks('a size with many zeros', `${'0'.repeat(40)}3\r\nabc\r\n0\r\n\r\n`),
  chunks('a size beyond 64 bits', '10000000000000003\r\nabc\r\n0\r\n\r\n'),
  chunks('a size of 2^63', '8000000000000000\r\nabc\r\n0\r\n\r\n'),
  chunks('a size of 2^64 - 1', 'ffffffffffffffff\r\nabc\r\n0\r\n\r\n'),
  chunks('an empty size', '\r\nabc\r\n0\r\n\r\n'),
  chunks('a size with a bare line feed', '3\nabc\n0\n\n'),
  chunks('a size with a bare carriage return', '3\rabc\r\n0\r\n\r\n'),
  chunks('a chunk longer than its size', '3\r\nabcdef\r\n0\r\n\r\n'),
  chunks('a chunk without its line end', '3\r\nabc0\r\n\r\n'),
  chunks('a chunk with a bare line feed behind it', '3\r\nabc\n0\r\n\r\n'),
  chunks('a last chunk of several zeros', '3\r\nabc\r\n000\r\n\r\n'),
  chunks('a last chunk with a bare line feed', '3\r\nabc\r\n0\n\n'),
  chunks('trailers', '3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n'),
  chunks('a length among the trailers', '3\r\nabc\r\n0\r\nContent-Length: 5\r\n\r\n'),
  chunks('chunks among the trailers', '3\r\nabc\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n'),
  chunks('a broken trailer', '3\r\nabc\r\n0\r\nno colon\r\n\r\n'),
  chunks('chunks that end early', '3\r\nab'),

  fields('a folded field', 'X-F: 1\r\n 2\r\nContent-Length: 3'),
  fields('a folded length', 'Content-Length:\r\n 3'),
  fields('a folded coding', 'Transfer-Encoding:\r\n chunked', CHUNKED),
  fields('a folded coding behind another', 'Transfer-Encoding: gzip,\r\n\tchunked', CHUNKED),
  probe('a first field that is folded', 'GET / HTTP/1.1\r\n Host: a\r\n\r\n'),
  fields('a space before the colon', 'Content-Length : 3'),
  fields('a tab before the colon', 'Content-Length\t: 3'),
  fields('a space before the colon of a coding', 'Transfer-Encoding : chunked', CHUNKED),
  fields('a space within a name', 'Content Length: 3'),
  fields('a field without a colon', 'Content-Length 3'),
  fields('a field without a name', ': 3'),
  fields('a name with a NUL', 'Content-Le\0ngth: 3'),
  fields('a value with a NUL', 'X-N: a\0b\r\nContent-Length: 3'),
  fields('a length with a NUL', 'Content-Length: 3\0'),
  fields('a value with a bare carriage return', 'X-N: a\rb\r\nContent-Length: 3'),
  fields('a field smuggled behind a bare carriage return', 'X-N: a\rContent-Length: 3'),
  fields('a value with a delete character', 'X-N: a\x7fb\r\nContent-Length: 3'),
  fields('a name with a byte of Latin-1', 'X-\xe9: 1\r\nContent-Length: 3'),
  fields('a value with bytes of Latin-1', 'X-E: \xe9\xff\r\nContent-Length: 3'),
  fields('a name in brackets', '(X): 1\r\nContent-Length: 3'),
  fields('a length behind Connection: close', 'Connection: close\r\nContent-Length: 3'),
  fields('Connection: close and keep-alive', 'Connection: close, keep-alive\r\nContent-Length: 3'),
  fields('a length that Connection names', 'Connection: Content-Length\r\nContent-Length: 3'),

  probe('bare line feeds', 'GET / HTTP/1.1\nHost: a\n\n'),
  probe('a bare line feed behind the request line', 'GET / HTTP/1.1\nHost: a\r\n\r\n'),
  probe('a bare line feed behind a field', 'POST / HTTP/1.1\r\nHost: a\nContent-Length: 3\r\n\r\nabc'),
  probe('a bare line feed at the end of the head', `${HEAD}Content-Length: 3\r\n\nabc`),
  probe('a bare carriage return at the end of the head', `${HEAD}Content-Length: 3\r\n\rabc`),
  probe('bare carriage returns', 'GET / HTTP/1.1\rHost: a\r\r'),
  probe('empty lines before it', '\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n'),
  probe('bare line feeds before it', '\n\nGET / HTTP/1.1\r\nHost: a\r\n\r\n'),
  probe('a space before it', ' GET / HTTP/1.1\r\nHost: a\r\n\r\n'),
  probe('a NUL before it', '\0GET / HTTP/1.1\r\nHost: a\r\n\r\n'),

  probe('the absolute form', 'GET http://a/x HTTP/1.1\r\nHost: a\r\n\r\n'),
  probe('the absolute form of another host', 'GET http://c/x HTTP/1.1\r\nHost: a\r\n\r\n'),
  probe('the asterisk form', 'OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n'),
  probe('CONNECT', 'CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n'),
  probe('a path with two slashes', 'GET //c/x HTTP/1.1\r\nHost: a\r\n\r\n'),
  probe('a path with a fragment', 'GET /x#y HTTP/1.1\r\nHost: a\r\n\r\n'),
  probe('a path without a slash', 'GET x HTTP/1.1\r\nHost: a\r\n\r\n'),
  probe('a path with a space', 'GET /x y HTTP/1.1\r\nHost: a\r\n\r\n'),
  probe('a path with a NUL', 'GET /x\0y HTTP/1.1\r\nHost: a\r\n\r\n'),
  probe('a path with bytes of UTF-8', 'GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n'),
  probe('two spaces in the request line', 'GET  /  HTTP/1.1\r\nHost: a\r\n\r\n'),
  probe('a tab in the request line', 'GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n'),
  probe('no version', 'GET /\r\nHost: a\r\n\r\n'),
  probe('HTTP/0.9', 'GET /\r\n'),
  probe('HTTP/1.2', 'GET / HTTP/1.2\r\nHost: a\r\n\r\n'),
  probe('HTTP/2.0', 'GET / HTTP/2.0\r\nHost: a\r\n\r\n'),
  probe('a version with two digits', 'GET / HTTP/01.1\r\nHost: a\r\n\r\n'),
  probe('a version in small letters', 'GET / http/1.1\r\nHost: a\r\n\r\n'),
  probe('the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  probe('ICE and RTSP', 'OPTIONS * RTSP/1.0\r\n\r\n'),
  probe('an unknown method', 'FETCH / HTTP/1.1\r\nHost: a\r\n\r\n'),
  probe('a method in small letters', 'get / HTTP/1.1\r\nHost: a\r\n\r\n'),
  probe('no Host', 'GET / HTTP/1.1\r\n\r\n'),
  probe('two Hosts', 'GET / HTTP/1.1\r\nHost: a\r\nHost: c\r\n\r\n'),
  probe('an empty Host', 'GET / HTTP/1.1\r\nHost:\r\n\r\n'),
  probe('a Host with a path', 'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n'),

  fields('an upgrade with a body', 'Connection: Upgrade\r\nUpgrade: x\r\nContent-Length: 3'),
  fields(
    'an upgrade to h2c',
    'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\nContent-Length: 3',
  ),
  fields('an expectation and a body at once', 'Expect: 100-continue\r\nContent-Length: 3'),
  fields('an expectation twice', 'Expect: 100-continue, 100-continue\r\nContent-Length: 3'),
  fields('an unknown expectation with a body', 'Expect: x\r\nContent-Length: 3'),
  fields('a method that is overridden', 'X-HTTP-Method-Override: PUT\r\nContent-Length: 3'),

  { says: 'an end in the request line', bytes: Buffer.from('GET / HT') },
  { says: 'an end in a field', bytes: Buffer.from(`${HEAD}Content-Le`) },
  { says: 'an end in a body', bytes: Buffer.from(`${HEAD}Content-Length: 30\r\n\r\nabc`) },
  { says: 'an end in a size', bytes: Buffer.from(`${HEAD}Transfer-Encoding: chunked\r\n\r\n3`) },
  { says: 'an end in a chunk', bytes: Buffer.from(`${HEAD}Transfer-Encoding: chunked\r\n\r\n3\r\na`) },
  {
    says: 'an end before the last chunk',
    bytes: Buffer.from(`${HEAD}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n`),
  },
  {
    says: 'an end in the trailers',
    bytes: Buffer.from(`${HEAD}Transfer-Encoding: chunked\r\n\r\n0\r\nX-T: 1\r\n`),
  },
  { says: 'nothing but an end', bytes: Buffer.alloc(0) },
  { says: 'the first bytes of a TLS handshake', bytes: Buffer.of(0x16, 3, 1, 0, 5, 1, 0, 0, 1, 3) },
  {
    says: 'a line of the PROXY protocol',
    bytes: Buffer.from(`PROXY TCP4 1.2.3.4 5.6.7.8 9 10\r\n${BEHIND}`),
  },
];

/** Those that are sent in two parts, split at every byte. */
export const SPLIT_PROBES: readonly Probe[] = PROBES.filter(
  ({ bytes }) => bytes.length > 1 && bytes.length <= 130,
);

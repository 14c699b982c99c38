import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createGzip } from 'node:zlib';

const CHUNK = Buffer.alloc(65_536, 'The quick brown fox jumps over the lazy dog. ');

/** The `(req, res)` listener of the programs that use no framework: node:http, https and http2. */
export async function handler(req, res) {
  const url = new URL(req.url, 'http://localhost');
  if (url.pathname === '/') {
    res.writeHead(200, { 'Content-Type': 'text/plain' });
    res.end('Hello World\n');
  } else if (url.pathname.startsWith('/users/')) {
    res.setHeader('Content-Type', 'application/json');
    res.end(JSON.stringify({ user: url.pathname.slice('/users/'.length), query: url.search }));
  } else if (url.pathname === '/echo') {
    if (!['POST', 'PUT', 'PATCH', 'DELETE'].includes(req.method)) {
      res.writeHead(405, { Allow: 'POST, PUT, PATCH, DELETE' });
      res.end();
      return;
    }
    res.setHeader('Content-Type', req.headers['content-type'] ?? 'application/octet-stream');
    req.pipe(res);
  } else if (url.pathname === '/digest') {
    const hash = createHash('sha256');
    let bytes = 0;
    try {
      for await (const chunk of req) {
        hash.update(chunk);
        bytes += chunk.length;
      }
    } catch {
      console.log(`upload aborted after ${bytes} bytes`);
      return;
    }
    res.setHeader('Content-Type', 'application/json');
    res.end(JSON.stringify({ bytes, sha256: hash.digest('hex'), trailers: req.trailers }));
  } else if (url.pathname === '/inspect') {
    res.setHeader('Content-Type', 'application/json');
    const { method, httpVersion, rawHeaders } = req;
    res.end(JSON.stringify({ method, url: req.url, httpVersion, rawHeaders }));
  } else if (url.pathname === '/address') {
    const { remoteAddress, remotePort, remoteFamily, localPort, encrypted = false } = req.socket;
    res.setHeader('Content-Type', 'application/json');
    res.end(JSON.stringify({ remoteAddress, remotePort, remoteFamily, localPort, encrypted }));
  } else if (url.pathname === '/slow') {
    setTimeout(() => res.end('at last\n'), 20);
  } else if (url.pathname === '/events') {
    res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' });
    for (let id = 1; id <= 3; id++) {
      res.write(`id: ${id}\ndata: tick\n\n`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    res.end();
  } else if (url.pathname === '/large') {
    res.writeHead(200, { 'Content-Type': 'application/octet-stream' });
    let waited = false;
    for (let sent = 0; sent < 320 && !res.destroyed; sent++) {
      if (res.write(CHUNK)) continue;
      if (!waited) console.log('large: waits for drain');
      waited = true;
      await Promise.race([once(res, 'drain'), once(res, 'close')]);
    }
    if (res.destroyed) console.log('large: the client has gone');
    res.end();
  } else if (url.pathname === '/compressed') {
    res.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Encoding': 'gzip' });
    const gzip = createGzip();
    gzip.pipe(res);
    gzip.end(CHUNK);
  } else if (url.pathname === '/trailers') {
    res.writeHead(200, { 'Content-Type': 'text/plain', Trailer: 'X-Checksum' });
    res.write('the body\n');
    res.addTrailers({ 'X-Checksum': 'abc' });
    res.end();
  } else if (url.pathname === '/early') {
    res.writeEarlyHints({ link: '</style.css>; rel=preload; as=style' });
    res.end('after the hints\n');
  } else {
    res.writeHead(404, { 'Content-Type': 'text/plain' });
    res.end('Not Found\n');
  }
}

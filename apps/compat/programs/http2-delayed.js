import { readFileSync } from 'node:fs';
import { createSecureServer } from 'node:http2';

const { TLS_KEY, TLS_CERT, PORT = 3000 } = process.env;
const server = createSecureServer({ key: readFileSync(TLS_KEY), cert: readFileSync(TLS_CERT) });

// Each stream is answered after a while, with the process that answers.
server.on('stream', (stream) => {
  stream.on('error', () => {});
  setTimeout(() => {
    if (stream.destroyed) return;
    stream.respond({ ':status': 200 });
    stream.end(`${process.pid}`);
  }, 100);
});

server.listen(Number(PORT), '127.0.0.1', () => {
  console.log(`listening on ${JSON.stringify(server.address())}`);
});

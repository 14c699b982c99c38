import { readFileSync } from 'node:fs';
import { createSecureServer } from 'node:http2';
import { handler } from './handler.js';

const server = createSecureServer(
  {
    key: readFileSync(process.env.TLS_KEY),
    cert: readFileSync(process.env.TLS_CERT),
    allowHTTP1: true,
  },
  handler,
);

server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`listening on ${JSON.stringify(server.address())}`);
});

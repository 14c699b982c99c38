import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { handler } from './handler.js';

const options = {
  key: readFileSync(process.env.TLS_KEY),
  cert: readFileSync(process.env.TLS_CERT),
};

const server = createServer(options, handler);

server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`listening on ${JSON.stringify(server.address())}`);
});

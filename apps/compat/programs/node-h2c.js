import { createServer } from 'node:http2';
import { handler } from './handler.js';

const server = createServer(handler);

server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`listening on ${JSON.stringify(server.address())}`);
});

import { createServer } from 'node:http';
import { handler } from './handler.js';

const server = createServer(handler);

server.on('checkContinue', (req, res) => {
  if (req.headers['x-refuse'] !== undefined) {
    res.writeHead(417, { Connection: 'close' });
    res.end();
    return;
  }
  res.writeContinue();
  server.emit('request', req, res);
});

server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`listening on ${JSON.stringify(server.address())}`);
});

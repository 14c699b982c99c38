import { createServer } from 'node:http';

const server = createServer(
  {
    headersTimeout: 300,
    requestTimeout: 600,
    keepAliveTimeout: 200,
    connectionsCheckingInterval: 50,
    maxHeaderSize: 4096,
  },
  (req, res) => {
    if (req.url === '/silent') {
      res.setTimeout(150, (socket) => {
        console.log('the answer has timed out');
        socket.end('HTTP/1.1 504 Gateway Timeout\r\nConnection: close\r\n\r\n');
      });
      return;
    }
    req.resume().on('end', () => res.end('in time\n'));
  },
);

server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`listening on ${JSON.stringify(server.address())}`);
});

import { createServer } from 'node:http';

// What costs a server most: large answers, and bodies that it gathers.
const large = Buffer.alloc(100 * 2 ** 20, 'x');

const server = createServer(async (req, res) => {
  if (req.url === '/large') return res.end(large);
  const parts = [];
  try {
    for await (const part of req) parts.push(part);
  } catch {
    return;
  }
  if (req.headers['x-id'] !== undefined) res.setHeader('X-Id', req.headers['x-id']);
  res.end(Buffer.concat(parts));
});
// As behind a load balancer: idle connections stay.
server.keepAliveTimeout = 120_000;

server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`listening on ${JSON.stringify(server.address())}`);
});

import { createServer } from 'node:http';

// Sends back the id and the body of each request, and which process it is that answers.
const server = createServer(async (req, res) => {
  if (req.url === '/smuggled') console.log('a body was read as a request');
  const parts = [];
  for await (const part of req) parts.push(part);
  const delay = Number(req.headers['x-delay'] ?? 0);
  if (delay > 0) await new Promise((resolve) => setTimeout(resolve, delay));
  const headers = { 'Content-Type': 'application/octet-stream', 'X-Pid': process.pid };
  if (req.headers['x-id'] !== undefined) headers['X-Id'] = req.headers['x-id'];
  const body = Buffer.concat(parts);
  res.writeHead(200, { ...headers, 'Content-Length': body.length });
  res.end(body);
});

server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`listening on ${JSON.stringify(server.address())}`);
});

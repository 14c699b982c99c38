import { createServer } from 'node:http';

// Answers with what it has read, so that two ways of reading the same bytes give two answers.
const server = createServer((req, res) => {
  const parts = [];
  req.on('data', (part) => parts.push(part));
  req.on('end', () => {
    const { method, url, httpVersion, rawHeaders, rawTrailers } = req;
    const body = Buffer.concat(parts).toString('latin1');
    res.sendDate = false;
    res.setHeader('Content-Type', 'application/json');
    res.end(JSON.stringify({ method, url, httpVersion, rawHeaders, body, rawTrailers }));
  });
});

server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`listening on ${JSON.stringify(server.address())}`);
});

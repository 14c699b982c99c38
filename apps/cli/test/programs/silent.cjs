// Listens nowhere, unless it is told to: a line in the file says so.
const { readFileSync } = require('node:fs');
const { createServer } = require('node:http');

const look = setInterval(() => {
  if (process.env.LISTENS === undefined || readFileSync(process.env.LISTENS, 'utf8') === '') return;
  clearInterval(look);
  const server = createServer((_request, response) => response.end(String(process.pid)));
  server.listen(0, '127.0.0.1', () => console.log(`listening ${JSON.stringify(server.address())}`));
}, 50);

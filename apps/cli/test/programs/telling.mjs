// Tells all processes of its server, and answers with what this one has been told.
import { createServer } from 'node:http';
import { publish, subscribe } from '@millrace/server/topics';

const told = [];
subscribe('news', (text) => told.push(text));

const server = createServer((request, response) => {
  const [, text] = /^\/tell\?(.+)$/.exec(request.url) ?? [];
  if (text !== undefined) publish('news', text);
  response.end(`${process.pid} ${told.join(' ')}`);
});
server.listen(0, () => console.log('listening', JSON.stringify(server.address())));

import { createServer } from 'node:net';

const sockets = [];
const server = createServer((socket) => {
  if (sockets.push(socket) < 2) return;
  for (const one of sockets) one.write('bye');
  process.exit(0);
});
server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`listening on ${JSON.stringify(server.address())}`);
});

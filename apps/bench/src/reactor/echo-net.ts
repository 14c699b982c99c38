/** TCP echo on node:net. Prints its port. */
import { type AddressInfo, createServer } from 'node:net';

const server = createServer({ noDelay: true }, (socket) => {
  socket.on('data', (data) => socket.write(data));
  socket.on('error', () => socket.destroy());
});
server.listen({ host: '127.0.0.1', port: 0, backlog: 512 }, () => {
  console.log((server.address() as AddressInfo).port);
});

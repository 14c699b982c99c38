import { createServer } from 'node:net';

const server = createServer({ allowHalfOpen: true }, (socket) => {
  const { remoteAddress, remotePort, remoteFamily } = socket;
  console.log(`connected ${remoteAddress} ${remotePort} ${remoteFamily}`);
  socket.on('error', ({ code }) => console.log(`error ${code}`));
  socket.on('close', () =>
    console.log(`closed ${remotePort} after ${socket.bytesRead} in and ${socket.bytesWritten} out`),
  );
  socket.pipe(socket);
});

server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`listening on ${JSON.stringify(server.address())}`);
});

import { createServer } from 'node:http';
import { Server } from 'socket.io';

const httpServer = createServer();
const io = new Server(httpServer);

io.on('connection', (socket) => {
  socket.on('hello', (...values) => socket.emit('hello', ...values));
  socket.on('add', (one, other, callback) => callback(one + other));
  socket.on('join', (room, callback) => {
    socket.join(room);
    io.to(room).emit('joined', room, [...socket.rooms].length);
    callback();
  });
  socket.on('leave me', () => socket.disconnect(true));
  socket.on('disconnect', (reason) => console.log(`disconnected: ${reason}`));
});

io.of('/admin').use((_socket, next) => next(new Error('not authorized')));

httpServer.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`listening on ${JSON.stringify(httpServer.address())}`);
});

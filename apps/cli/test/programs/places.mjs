// Listens in several places, once late, and on one that is taken.
import { createServer } from 'node:http';
import { createServer as createNetServer } from 'node:net';

const answer = (text) => (_request, response) => response.end(text);
const say = (name, server) => console.log(`${name} ${JSON.stringify(server.address())}`);
const first = createServer(answer('first'));
await new Promise((resolve) => first.listen(0, '127.0.0.1', resolve));
say('first', first);
const second = createServer(answer('second')).listen(0, '127.0.0.1', () => say('second', second));
const path = createServer(answer('path')).listen(
  { path: process.env.SOCKET, readableAll: true, writableAll: true },
  () => say('path', path),
);
const taken = createNetServer().listen(first.address().port, '127.0.0.1');
taken.on('error', ({ code, errno, syscall, port, message }) =>
  console.log(`taken ${JSON.stringify({ code, errno, syscall, port, message })} ${taken.listening}`),
);
const echo = createNetServer((socket) => socket.pipe(socket));
setTimeout(() => echo.listen(0, '127.0.0.1', () => say('late', echo)), 300);
const shut = createServer().listen(0, '127.0.0.2', () => {
  say('shut', shut);
  shut.close(() => console.log('closed', shut.listening));
});

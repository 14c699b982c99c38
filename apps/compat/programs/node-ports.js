import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';

// Two ports and a path of one program; it goes on only when each listens.
const web = createHttpServer((_req, res) => res.end('web\n'));
const admin = createServer((socket) => socket.end('admin\n'));
const local = createHttpServer((_req, res) => res.end('local\n'));

web.listen({ port: Number(process.env.PORT ?? 3000), host: '127.0.0.1' });
admin.listen(0, '127.0.0.1');
local.listen(process.env.SOCKET_PATH);
await Promise.all([web, admin, local].map((server) => once(server, 'listening')));
for (const server of [web, admin, local]) {
  console.log(`listening on ${JSON.stringify(server.address())}, listening: ${server.listening}`);
}

const second = createHttpServer();
second.once('error', ({ code, syscall, port }) =>
  console.log(`second: ${code} ${syscall} ${port === web.address().port}`),
);
second.listen(web.address().port, '127.0.0.1');

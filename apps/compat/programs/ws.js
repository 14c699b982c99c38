import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';

const server = createServer((_req, res) => {
  res.writeHead(426, { 'Content-Type': 'text/plain' });
  res.end('Upgrade Required');
});
const plain = new WebSocketServer({ noServer: true });
const compressed = new WebSocketServer({ noServer: true, perMessageDeflate: { threshold: 0 } });

for (const wss of [plain, compressed]) {
  wss.on('connection', (ws, request) => {
    ws.on('error', console.error);
    const { remotePort } = request.socket;
    ws.on('close', (code, reason) => console.log(`${remotePort} closed ${code} ${reason}`));
    ws.on('message', (data, isBinary) => {
      if (!isBinary && data.toString() === 'bye') ws.close(4000, 'as asked');
      else if (!isBinary && data.toString() === 'address') ws.send(`${remotePort}`);
      else if (!isBinary && data.toString() === 'ping me') ws.ping('are you there');
      else if (!isBinary && data.toString() === 'large') {
        ws.send(Buffer.alloc(20_000_000, 'large'), () => console.log('large: sent'));
        console.log(`large: ${ws.bufferedAmount > 0 ? 'some' : 'nothing'} is buffered`);
      } else ws.send(data, { binary: isBinary });
    });
    ws.on('pong', (data) => ws.send(`pong: ${data}`));
  });
}

server.on('upgrade', (request, socket, head) => {
  socket.on('error', console.error);
  const { pathname } = new URL(request.url, 'ws://localhost');
  const wss = { '/plain': plain, '/compressed': compressed }[pathname];
  if (wss === undefined) {
    socket.write('HTTP/1.1 401 Unauthorized\r\n\r\n');
    socket.destroy();
    return;
  }
  wss.handleUpgrade(request, socket, head, (ws) => wss.emit('connection', ws, request));
});

server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`listening on ${JSON.stringify(server.address())}`);
});

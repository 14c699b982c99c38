import { createServer } from 'node:http';
import { resumable } from '@millrace/server/resumable';
import { WebSocketServer } from 'ws';

/** Counts the messages of each client, across processes, and sends each back with its number: "NAME MESSAGE" becomes "NAME MESSAGE COUNT". */
const server = createServer((_req, res) => res.end(`${process.pid}\n`));
const sockets = new WebSocketServer({ server });

function serve(socket, before) {
  let count = before;
  socket.on('error', console.error);
  socket.on('message', (data) => {
    count++;
    kept.keep(socket, String(count));
    socket.send(`${data} ${count}`);
  });
}

const kept = resumable(sockets, {
  resume: (socket, { state, unsettled }) => {
    if (unsettled > 0) console.log(`${unsettled} messages are unsettled`);
    serve(socket, Number(state));
  },
});
sockets.on('connection', (socket) => serve(socket, 0));

server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`listening on ${JSON.stringify(server.address())}`);
});

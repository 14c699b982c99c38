// A program that answers by what its requests were read, on a path of its own too, and has a server of bytes beside.
const http = require('node:http');
const net = require('node:net');

const server = http.createServer((request, response) => response.end(request.constructor.name));
if (process.env.TIMEOUT) server.timeout = Number(process.env.TIMEOUT);
server.listen(0, () => console.log(`listening ${JSON.stringify(server.address())}`));
const local = http.createServer((request, response) => response.end(request.constructor.name));
local.listen(process.env.SOCKET, () => console.log('path'));
const bytes = net.createServer((socket) => socket.end('bytes'));
bytes.listen(0, () => console.log(`bytes ${JSON.stringify(bytes.address())}`));

'use strict';
const domain = require('node:domain');
const http = require('node:http');

const guard = domain.create();
guard.on('error', (error) => console.log(`guarded: ${error.message}`));
guard.run(() =>
  process.nextTick(() => {
    throw new Error('in the start');
  }),
);
const server = http.createServer((_request, response) => response.end('served'));
server.listen(0, () => console.log(`listening ${JSON.stringify(server.address())}`));

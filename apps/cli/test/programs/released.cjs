const http = require('node:http');
const { readFileSync } = require('node:fs');

http
  .createServer((_request, response) =>
    response.end(`${readFileSync('release', 'utf8')} ${process.env.GREETING}`),
  )
  .listen(0, '127.0.0.1', function () {
    console.log(`listening ${JSON.stringify(this.address())}`);
  });

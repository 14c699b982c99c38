// An unchanged program: CommonJS, express-like.
const http = require('node:http');

const server = http.createServer((request, response) => {
  if (request.url === '/slow') setTimeout(() => response.end(`${process.pid}`), 500);
  else response.end(`${process.pid}`);
});
server.listen(Number(process.env.PORT ?? 0), () => {
  console.log(`listening ${JSON.stringify(server.address())}`);
  console.log(
    `main ${require.main === module} args ${JSON.stringify(process.argv.slice(2))} execArgv ${JSON.stringify(process.execArgv)}`,
  );
});

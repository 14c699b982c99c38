/** Answers; `/hang` never: its worker's loop does not turn any more. */
const { createServer } = require('node:http');

function spin() {
  for (;;);
}

const server = createServer((request, response) => {
  if (request.url === '/hang') spin();
  response.end('answered');
});
server.listen(0, () => console.log('listening', JSON.stringify(server.address())));

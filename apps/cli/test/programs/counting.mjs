import { createServer } from 'node:http';
import { Counter, register } from '@millrace/metrics';

const requests = new Counter({ name: 'requests_total', help: 'Requests.' });
const server = createServer(async (request, response) => {
  if (request.url === '/metrics') return response.end(await register.metrics());
  requests.inc();
  response.end(String(process.pid));
});
server.listen(0, () => console.log('listening', JSON.stringify(server.address())));

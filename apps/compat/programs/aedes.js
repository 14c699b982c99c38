import { createServer } from 'node:net';
import { Aedes } from 'aedes';

const aedes = await Aedes.createBroker();
const server = createServer(aedes.handle);

aedes.on('client', (client) => console.log(`client ${client.id}`));
aedes.on('clientDisconnect', (client) => console.log(`gone ${client.id}`));

server.listen(Number(process.env.PORT ?? 1883), '127.0.0.1', () => {
  console.log(`listening on ${JSON.stringify(server.address())}`);
});

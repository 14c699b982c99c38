import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { TLSSocket } from 'node:tls';

const { TLS_KEY, TLS_CERT, ASKS, NAMED } = process.env;
const identity = () => ({ key: readFileSync(TLS_KEY), cert: readFileSync(TLS_CERT) });
const options = { ...identity(), ...(ASKS && { requestCert: true, rejectUnauthorized: false }) };

// Says which process answers on which connection; `/renew` takes the certificate that is in the files now, `/name/NAME` for that name.
const server = createServer(options, ({ url, socket }, res) => {
  if (url === '/renew') server.setSecureContext(identity());
  if (url.startsWith('/name/')) server.addContext(url.slice(6), identity());
  const { remotePort, encrypted } = socket;
  res.end(
    JSON.stringify({
      pid: process.pid,
      remotePort,
      encrypted,
      inWorker: socket instanceof TLSSocket,
    }),
  );
});

if (NAMED) server.addContext(NAMED, identity());
server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`listening on ${JSON.stringify(server.address())}`);
});

// Several versions of one program, of which the file says which one a process runs; each does what it likes about errors of its server.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';

const { VERSION, TLS_KEY: key, TLS_CERT: cert, PORT = '0' } = process.env;
const version = readFileSync(VERSION, 'utf8');
const answer = (_request, response) => response.end(`${version} ${process.pid}`);
const servers = {
  plain: () => createServer(answer),
  other: () => createServer(answer),
  secure: () => createSecureServer({ key, cert }, answer),
  asking: () => createSecureServer({ key, cert, requestCert: true }, answer),
};
if (version === 'spinning' || version === 'awaiting') console.log(`${version} in ${process.pid}`);
while (version === 'spinning');
if (version === 'awaiting') await new Promise((resolve) => setTimeout(resolve, 2 ** 31 - 1));
const server = servers[version]?.();
server?.on('error', ({ message }) => console.log(`${version} goes on without a server: ${message}`));
server?.listen(Number(PORT), '127.0.0.1', () =>
  console.log(`listening ${JSON.stringify(server.address())} ${process.pid}`),
);
if (server === undefined) console.log(`nothing listens in ${process.pid}`);
setInterval(() => {}, 60_000);

/**
 * Clients of an echo that each wait for an answer before they send the next, where there is no `tcpload`: node clients.js PORT CONNECTIONS
 * EVERY_MS. A line on standard error for each interval, as that has it.
 */
import { connect } from 'node:net';

const [port, connections, every] = process.argv.slice(2).map(Number);
const start = performance.now();
let answers = 0;

for (let i = 0; i < (connections as number); i++) {
  const client = connect(port as number, '127.0.0.1', () => client.write('hello\n'));
  client.on('data', () => {
    answers++;
    client.write('hello\n');
  });
  client.on('close', () => process.exit(1));
}
setInterval(() => {
  console.error(`${(performance.now() - start).toFixed(1)} ms ${answers} answers`);
  answers = 0;
}, every as number);

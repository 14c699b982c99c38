/** `node nuisance-process.js NAME PORT`: clients of a kind that costs a server much. Tells its parent when all are there, and of each that is closed. */
import { connect } from 'node:net';
import { NUISANCES, type Nuisance, type NuisanceName } from './nuisances.js';

const [name, port] = process.argv.slice(2) as [NuisanceName, string];
const { connections, become }: Nuisance = NUISANCES[name];
/** Connections that are opened at the same time, fewer than a backlog holds. */
const OPENING = 100;

// It stays as long as its parent: a socket that is not read keeps no process alive.
process.once('disconnect', () => process.exit());

let [opened, ready] = [0, 0];

function open(): void {
  if (opened === connections) return;
  opened++;
  const socket = connect(Number(port), '127.0.0.1', () =>
    become(socket, () => {
      if (++ready === connections) process.send?.('ready');
      open();
    }),
  );
  // Counted by their close.
  socket.on('error', () => {});
  socket.on('close', () => process.send?.('closed'));
}

for (let at = 0; at < OPENING; at++) open();

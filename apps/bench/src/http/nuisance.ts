/**
 * A client that others are not to notice: `node nuisance.js KIND HOST PORT`, KIND of {@link NUISANCES}. Prints a line of JSON once it
 * is what it is to be, and goes on until it is killed.
 */
import { connect, type Socket } from 'node:net';
import type { NuisanceKind } from './beside.js';

/** Connections that are opened at the same time, fewer than a backlog holds. */
const OPENING = 100;
const HEAD = 'GET / HTTP/1.1\r\nHost: bench\r\n';
const SLOW_MS = 250;

const [kind, host, port] = process.argv.slice(2) as [NuisanceKind, string, string];
const { connections } = JSON.parse(process.argv[5] as string) as { connections: number };

const become: Record<NuisanceKind, (socket: Socket, ready: () => void) => void> = {
  slow: (socket, ready) => {
    socket.write(HEAD);
    setInterval(() => socket.write('X-Slow: 1\r\n'), SLOW_MS);
    ready();
  },
  idle: (socket, ready) => {
    socket.write(`${HEAD}\r\n`);
    socket.once('data', ready);
  },
  unread: (socket, ready) => {
    socket.write(`${HEAD.replace(' / ', ' /large ')}\r\n`);
    socket.once('data', () => {
      socket.pause();
      ready();
    });
  },
};

let started = 0;
let ready = 0;
let told = false;

function open(): void {
  if (started === connections) return;
  started++;
  let isReady = false;
  const socket = connect(Number(port), host, () =>
    become[kind](socket, () => {
      isReady = true;
      ready++;
      if (ready === connections && !told) {
        told = true;
        console.log(JSON.stringify({ ready }));
      }
      open();
    }),
  );
  socket.on('close', () => {
    if (kind !== 'idle') throw new Error('A connection was closed that was to stay.');
    // Its keep-alive timeout: there are to be as many all the time.
    started--;
    if (isReady) ready--;
    open();
  });
  socket.on('error', (error) => {
    throw error;
  });
}

for (let i = 0; i < OPENING; i++) open();

/**
 * A load client that is told what to do to its server, and tells what its connections saw: one message under way on
 * each, every one timed. Commands are lines of JSON (see `Command`); a report is one line.
 *
 *     node disturbed.js WORK          (WORK: JSON, see work.ts)
 */
import { createInterface } from 'node:readline';
import { type Connection, connect, Reactor } from '@millrace/reactor';
import { frameBytes } from './busy.js';
import { Watch, Watched } from './watched.js';
import type { Work } from './work.js';

/** `begin`: counts anew, and sends the signal if there is one. `report`: prints a `Disturbance`. */
export type Command =
  | { readonly begin: { readonly pid: number; readonly signal: NodeJS.Signals } | null }
  | { readonly report: true };

/** Milliseconds without an answer after which another message is sent, whose answer tells whether it was lost. */
const OVERDUE_MS = 500;
const LOOK_MS = 100;

const { port, bytes, framing, connections } = JSON.parse(process.argv[2] as string) as Work;
const reactor = new Reactor({ mode: 'node' });
const length = frameBytes(framing, bytes);
const framingOfAnswers = { kind: 'function', measure: () => length } as const;
const open = new Set<Connection<Watched>>();
let watch = new Watch();

const handlers = {
  onFrame: (connection: Connection<Watched>, memory: Buffer, start: number, end: number) => {
    const { context } = connection;
    context.answer(memory, start, end, watch);
    if (context.idle) context.send(connection);
  },
  onClose: (connection: Connection<Watched>) => {
    open.delete(connection);
    watch.closed++;
    begin(opened++);
  },
};
let opened = 0;

function begin(seed: number): void {
  const options = {
    handlers,
    context: new Watched(bytes, seed),
    framing: framingOfAnswers,
    maxFrameLength: length,
  };
  connect(reactor, { host: '127.0.0.1', port }, options, (error, connection) => {
    if (connection === undefined) throw error;
    open.add(connection);
    connection.context.send(connection);
    if (open.size === connections && opened === connections) console.log('true');
  });
}

setInterval(() => {
  const before = performance.now() - OVERDUE_MS;
  for (const connection of open) if (connection.context.overdue(before)) connection.context.send(connection);
}, LOOK_MS);

for (; opened < connections; opened++) begin(opened);
for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line) as Command;
  if ('report' in command) {
    console.log(JSON.stringify(watch.report()));
  } else {
    watch = new Watch();
    if (command.begin !== null) process.kill(command.begin.pid, command.begin.signal);
  }
}
process.exit();

/** One measurement of one mechanism, of which it prints the figures. Arguments: see arguments.ts. */
import { setImmediate as turn } from 'node:timers/promises';
import { readArguments, writeArguments } from './arguments.js';
import { cpuTime } from './cpu.js';
import { mechanisms } from './mechanisms.js';
import { isLast, type Message, makeMessage, type PeerReport, readReport } from './side.js';

/** Messages between two readings of the clock, and between two turns of the loop. */
const AT_ONCE = 16;
const PER_TURN = 1_024;

const options = readArguments();
const { mechanism, mode, kind, size, windowMs } = options;
const threads = mechanism === 'worker thread';
const side = await mechanisms[mechanism].start(
  new URL('./peer.js', import.meta.url),
  writeArguments(options),
  options,
);

/** Sends for `windowMs` and waits until all of it has arrived. */
async function oneWay(reports: () => Promise<PeerReport>, windowMs: number): Promise<Record<string, number>> {
  const message = makeMessage(kind, size, false);
  const cpu = cpuTime(threads);
  const started = performance.now();
  for (let sent = 0; performance.now() - started < windowMs; sent += AT_ONCE) {
    for (let i = 0; i < AT_ONCE; i++) if (!side.send(message)) await side.drained();
    if (sent % PER_TURN === 0) await turn();
  }
  side.send(makeMessage(kind, size, true));
  const report = await reports();
  const elapsed = performance.now() - started;
  return {
    rate: report.count / (elapsed / 1_000),
    cpuSender: (cpuTime(threads) - cpu) / report.count,
    cpuReceiver: report.cpu / report.count,
  };
}

/** Sends a message back and forth for `windowMs`. */
function roundTrips(
  listen: (listener: (message: Message) => void) => void,
  windowMs: number,
): Promise<number> {
  return new Promise((resolve) => {
    const message = makeMessage(kind, size, false);
    const started = performance.now();
    let count = 0;
    listen(() => {
      count++;
      const elapsed = count % AT_ONCE === 0 ? performance.now() - started : 0;
      if (elapsed > windowMs) resolve((elapsed * 1_000) / count);
      else side.send(message);
    });
    side.send(message);
  });
}

let figures: Record<string, number>;
let listener: (message: Message) => void = () => {};
side.onMessage((message) => listener(message));
if (mode === 'one way') {
  const next = () =>
    new Promise<PeerReport>((resolve) => {
      listener = (message) => {
        if (kind === 'bytes' || isLast(message)) resolve(readReport(message));
      };
    });
  await oneWay(next, windowMs);
  figures = await oneWay(next, windowMs);
} else {
  const listen = (to: (message: Message) => void) => {
    listener = to;
  };
  await roundTrips(listen, windowMs);
  figures = { microseconds: await roundTrips(listen, windowMs) };
}
// Before the figures are told: the program that reads them ends this process.
side.close();
console.log(JSON.stringify(figures));
process.exit();

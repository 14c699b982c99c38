/**
 * Takes so much of a processor, and does nothing with it: node burner.js EVERY_MS. A line on standard input says how many milliseconds it
 * burns each time; 0: none.
 */
import { createInterface } from 'node:readline';

const every = Number(process.argv[2]);
let turn: NodeJS.Timeout | undefined;

for await (const line of createInterface({ input: process.stdin })) {
  clearInterval(turn);
  const ms = Number(line);
  if (ms > 0) turn = setInterval(() => burn(ms), every);
  console.log(line);
}

/** By its own time on the processor: that another process had it meanwhile does not make it less. */
function burn(ms: number): void {
  const start = process.cpuUsage();
  for (;;) {
    const { user, system } = process.cpuUsage(start);
    if (user + system >= ms * 1_000) return;
  }
}

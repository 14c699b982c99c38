/**
 * The other side of a measurement: counts what it receives and reports after the last message, or sends everything back.
 * Arguments: as of run.ts.
 */

import { isMainThread } from 'node:worker_threads';
import { dieWithParent } from '@millrace/native/internal';
import { readArguments } from './arguments.js';
import { cpuTime } from './cpu.js';
import { mechanisms } from './mechanisms.js';
import { isLast, writeReport } from './side.js';

const { mechanism, mode, kind, spin } = readArguments();
if (isMainThread && !dieWithParent(process.ppid)) process.exit(1);
const side = await mechanisms[mechanism].open({ kind, spin });
const threads = mechanism === 'worker thread';

if (mode === 'round trip') {
  // Copied where the transport lends its memory: what is sent must not change under way.
  side.onMessage((message) => void side.send(message));
} else {
  let count = 0;
  let before = cpuTime(threads);
  side.onMessage((message) => {
    count++;
    if (!isLast(message)) return;
    const now = cpuTime(threads);
    side.send(writeReport(kind, { count, cpu: now - before }));
    count = 0;
    before = now;
  });
}

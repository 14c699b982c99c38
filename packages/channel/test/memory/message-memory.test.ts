import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

/** Copies 20,000 messages of 64 KiB, each kept until 150 more have come, and prints how often V8 has marked. */
const PROGRAM = `
  import { constants, PerformanceObserver } from 'node:perf_hooks';
  import { setImmediate as turn } from 'node:timers/promises';
  import { copyOf, giveMessagesRoom } from ${JSON.stringify(new URL('../../dist/internal.js', import.meta.url).href)};
  if (process.argv[1] === 'room') giveMessagesRoom();
  let markings = 0;
  const observer = new PerformanceObserver((list) => {
    for (const { detail } of list.getEntries())
      if (detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR) markings++;
  });
  observer.observe({ entryTypes: ['gc'] });
  const source = Buffer.alloc(64 * 1024);
  const waiting = [];
  for (let i = 0; i < 20_000; i++) {
    waiting.push(copyOf(source, 0, source.length));
    if (waiting.length > 150) waiting.shift();
    if (i % 64 === 0) await turn();
  }
  await turn();
  console.log(markings);
`;

async function markings(how: 'room' | 'none'): Promise<number> {
  const args = ['--input-type=module', '-e', PROGRAM, how];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return Number(stdout);
}

describe('the memory of large messages', () => {
  it('is given back without marking the heap while messages wait, where these have been given room', async () => {
    expect(await markings('none')).toBeGreaterThan(4);
    expect(await markings('room')).toBeLessThan(3);
  });
});

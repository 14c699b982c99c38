import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

/**
 * Copies 16,000 messages of 64 KiB, of which each is dropped at once, and prints the page faults of the last 12,000; then waits until
 * memory has gone back to the kernel, and prints how much.
 */
const PROGRAM = `
  import { setImmediate as turn, setTimeout as after } from 'node:timers/promises';
  import { copyOf, giveMessagesRoom } from ${JSON.stringify(import.meta.resolve('@millrace/channel/internal'))};
  import { syscalls } from ${JSON.stringify(new URL('../dist/syscalls.js', import.meta.url).href)};
  giveMessagesRoom(syscalls);
  const source = Buffer.alloc(64 * 1024);
  let faults = 0;
  for (let i = 0; i < 16_000; i++) {
    if (i === 4_000) faults = process.resourceUsage().minorPageFault;
    copyOf(source, 0, source.length);
    if (i % 8 === 0) await turn();
  }
  faults = process.resourceUsage().minorPageFault - faults;
  const resident = process.memoryUsage.rss();
  const deadline = performance.now() + 20_000;
  let less = 0;
  while (less < 4 << 20 && performance.now() < deadline) {
    await after(50);
    less = resident - process.memoryUsage.rss();
  }
  console.log(JSON.stringify({ faults, less }));
`;

describe('memory that large messages have freed', () => {
  // Under a sanitizer that is preloaded, its own allocator has the memory.
  it.skipIf('LD_PRELOAD' in process.env)(
    'serves the next ones without page faults, and goes back to the kernel when no more come',
    async () => {
      const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', PROGRAM]);
      const { faults, less } = JSON.parse(stdout) as { faults: number; less: number };
      // By the allocator's own measure some 60,000 of them; none of 16 pages is touched a second time for the first.
      expect(faults).toBeLessThan(6_000);
      expect(less).toBeGreaterThanOrEqual(4 << 20);
    },
  );
});

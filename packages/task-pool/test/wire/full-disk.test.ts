import { constants } from 'node:os';
import { onSmallDisk, Program, whyNoSmallDisk } from '@millrace/testkit';
import { describe, expect, test } from 'vitest';
import { over, scratch, TRANSPORTS } from '../support.js';

/** KiB of the disk: several times what the fixture has under way at once. */
const DISK_KIB = 1_024;
const FIXTURE = new URL('../../dist-test/fixtures/full-disk.js', import.meta.url);

const full = {
  name: 'TaskError',
  typed: true,
  code: 'ERR_MILLRACE_TASK_TMPDIR',
  message: expect.stringMatching(/no space left on device.*Make room there, or set taskTmpdir to a larger/),
  errno: -constants.errno.ENOSPC,
  syscall: 'write',
};
const thrown = { name: 'RangeError', message: 'x'.repeat(20_000) };

/** What the fixture has printed; it runs to its end, so that nobody of it has waited for ever. */
async function outcomes(transport: (typeof TRANSPORTS)[number]) {
  const directory = scratch();
  await using program = new Program(FIXTURE, {
    args: [directory, JSON.stringify(over(transport))],
    through: onSmallDisk(directory, DISK_KIB),
  });
  const end = await program.ended();
  expect(end, program.output.slice(-2_000)).toEqual({ code: 0, signal: null });
  const lines = program.output.trim().split('\n');
  return Object.fromEntries(lines.map((line) => JSON.parse(line)).map(({ what, ...told }) => [what, told]));
}

describe.each(TRANSPORTS)('a full directory of large values, with tasks over a %s', (transport) => {
  test('is an error of each task that needs it, harms nothing else, and is forgotten when there is room', async ({
    skip,
  }) => {
    const why = whyNoSmallDisk();
    if (why !== undefined) skip(why);
    const files: string[] = [];
    expect(await outcomes(transport)).toMatchObject({
      'value, room': { done: 20_000, files },
      'result, room': { done: 20_000, files },
      'stream, room': { done: 2, files },
      'error, room': { failed: thrown, files },
      // Each of these has had room for a part of its file.
      'value, full': { failed: full, files },
      'result, full': { failed: full, files },
      'stream, full': { failed: full, files },
      'error, full': { failed: full, files },
      'posted, full': { failed: full, files },
      'given up, full': { done: ['AbortError'], files },
      'crowd, full': { done: [full.code], files },
      'small, full': { done: 5, files },
      'value, room again': { done: 20_000, files },
      'result, room again': { done: 20_000, files },
      'stream, room again': { done: 2, files },
      'error, room again': { failed: thrown, files },
      end: { done: { running: 0, queued: 0, sameWorkers: true }, files },
      closed: { done: [], files },
    });
  });
});

import { within } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { Served, type StartCommand, startCommand } from '../dist/start.js';

/**
 * How many times as large as before V8 makes the part of the heap for what is young at most at a time, in a program that
 * keeps more and more. What is less than 2 MiB is left out: so far it grows by all that is loaded.
 */
async function largestGrowth(by: StartCommand): Promise<number> {
  await using served = await Served.start('young.js', by);
  const answer = await within('an answer', fetch(`http://127.0.0.1:${served.port}/`));
  const sizes = ((await answer.json()) as readonly number[]).filter((size) => size >= 2 ** 21);
  return Math.max(...sizes.slice(1).map((size, i) => size / (sizes[i] as number)));
}

// From Node 26 on V8 tells how much of that part is in use, and no longer how large it is.
const tellsSize = Number.parseInt(process.versions.node, 10) < 26;

test.skipIf(!tellsSize)(
  'what is young grows faster than by itself, unless the user has said how',
  async () => {
    const ours = startCommand(process.env, 1);
    const [node, ...rest] = ours.command as [string, ...string[]];
    const byItself = { ...ours, command: [node, '--semi-space-growth-factor=2', ...rest] };
    expect(await largestGrowth(ours)).toBeGreaterThan(await largestGrowth(byItself));
  },
);

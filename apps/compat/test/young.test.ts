import { within } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { Served, type StartCommand, startCommand } from '../dist/start.js';

/** By how much V8 lets the part of the heap for what is young grow at most at a time, in a program that keeps more and more. */
async function largestStep(by: StartCommand): Promise<number> {
  await using served = await Served.start('young.js', by);
  const answer = await within('an answer', fetch(`http://127.0.0.1:${served.port}/`));
  const sizes = (await answer.json()) as readonly number[];
  return Math.max(...sizes.slice(1).map((size, i) => size - (sizes[i] as number)));
}

test('what is young grows in larger steps than by itself, unless the user has said how', async () => {
  const ours = startCommand(process.env, 1);
  const [node, ...rest] = ours.command as [string, ...string[]];
  const byItself = { ...ours, command: [node, '--semi-space-growth-factor=2', ...rest] };
  expect(await largestStep(ours)).toBeGreaterThan(await largestStep(byItself));
});

import { expect, onTestFinished, test } from 'vitest';
import { launch } from '../support.js';

test('a timer is of the process that makes it: before the start of every one, in a handler of those that have it', async () => {
  const program = launch('timers');
  onTestFinished(() => program[Symbol.asyncDispose]());
  for (const role of ['master', 'manager', 'worker', 'taskWorker', 'userProcess'])
    await program.printed(new RegExp(`event everywhere ${role}$`, 'm'));
  for (const [where, role] of [
    ['once', 'manager'],
    ['worker', 'worker'],
    ['start', 'master'],
    ['own', 'userProcess'],
  ]) {
    await program.printed(new RegExp(`event ${where} ${role}$`, 'm'));
    expect(program.count(new RegExp(`event ${where} `, 'g'))).toBe(1);
  }
});

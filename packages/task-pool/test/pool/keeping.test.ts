import { readdirSync } from 'node:fs';
import { isRunning, Program, until } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { scratch } from '../support.js';

interface Outcome {
  readonly code: number | null;
  readonly output: string;
  /** What is left in the directory of large values. */
  readonly left: readonly string[];
}

/** Runs a program that comes to its end with its pool open; waits until the workers have ended, too. */
async function run(how: string, transport = 'ring'): Promise<Outcome> {
  const directory = scratch();
  await using program = new Program(new URL('../../dist-test/fixtures/unreferenced.js', import.meta.url), {
    args: [directory, transport, how],
  });
  const [, pids] = await program.printed(/^pids ([\d ]+)$/m);
  const { code } = await program.ended();
  await until('the workers to end', () =>
    (pids as string).split(' ').every((pid) => !isRunning(Number(pid))),
  );
  return { code, output: program.output, left: readdirSync(directory) };
}

test.each(['ring', 'pipe'])(
  'a program whose pool is unreferenced ends when no task is under way, and leaves nothing (%s)',
  async (transport) => {
    expect(await run('has nothing to do', transport)).toMatchObject({ code: 0, left: [] });
  },
);

test.each(['ring', 'pipe'])('a task under way keeps it until it has its answer (%s)', async (transport) => {
  const { code, output, left } = await run('runs a task', transport);
  expect({ code, left }).toEqual({ code: 0, left: [] });
  expect(output).toContain('echo 20000');
  expect((await run('waits for a callback', transport)).output).toContain('called y');
});

test('a program that exits with an open pool leaves no file of it', async () => {
  expect(await run('exits')).toMatchObject({ code: 3, left: [] });
});

test('a pool that is referenced again keeps its program until it is closed', async () => {
  const { code, output } = await run('is referenced again');
  expect(code).toBe(0);
  expect(output).toContain('closed');
});

import { Program, TestClient } from '@millrace/testkit';
import { expect, onTestFinished, test } from 'vitest';

const example = (name: string) => new URL(`../dist/${name}.js`, import.meta.url);

async function listening(name: string): Promise<{ program: Program; client: TestClient }> {
  const program = new Program(example(name), { args: ['0'] });
  onTestFinished(() => program[Symbol.asyncDispose]());
  const [, port] = await program.printed(/listening on (\d+)/);
  return { program, client: await TestClient.connect(Number(port)) };
}

test('word-count answers each line with its number of words, and counts its lines', async () => {
  const { program, client } = await listening('word-count');
  expect(await client.ask('the quick brown fox')).toBe('4');
  expect(await client.ask('one')).toBe('1');
  await program.printed(/worker \d: 2 lines/);
  client.close();
  await program.printed(/session 1 closed by the client/);
});

test("swoole-form hands the result of a task to 'finish' in the worker that asked", async () => {
  const { program, client } = await listening('swoole-form');
  expect(await client.ask('loud')).toBe('accepted');
  await program.printed(/task 1: LOUD/);
  expect(await client.ask('louder')).toBe('accepted');
  await program.printed(/task 2: LOUDER/);
  client.close();
});

test('timers ticks, and ends by itself', async () => {
  const program = new Program(example('timers'));
  expect(await program.ended()).toEqual({ code: 0, signal: null });
  expect(program.output).toMatch(/timer 1, 9 times/);
});

test('visits counts exactly what all processes have counted, and leaves nothing behind', async () => {
  const program = new Program(example('visits'));
  expect(await program.ended()).toEqual({ code: 0, signal: null });
  expect(program.output).toMatch(/ada: Ada Lovelace, 22500 visits/);
  expect(program.output).toMatch(/alan: Alan Turing, 7500 visits/);
});

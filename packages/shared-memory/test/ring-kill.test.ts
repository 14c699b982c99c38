import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createMemory, syscalls } from '@millrace/native';
import { until } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { DOORBELL_BYTES, ringBytes } from '../src/index.js';

const CAPACITY = 65_536;
const KILLS = 12;

test('writer and reader killed again and again: every message arrives whole, in order, at most once', async () => {
  const memory = createMemory('ring-kill-test', 2 * DOORBELL_BYTES + 2 * ringBytes(CAPACITY));
  const bells = [syscalls.eventfd(), syscalls.eventfd()] as const;
  const program = new URL('../dist-test/fixtures/ring-peer.js', import.meta.url).pathname;
  let output = '';
  const start = (role: string, first: number) => {
    const stdio = ['ignore', 'pipe', 'inherit', memory, ...bells] as const;
    const child = spawn(process.execPath, [program, role, String(CAPACITY), String(first)], {
      stdio: [...stdio],
    });
    child.stdout?.setEncoding('latin1').on('data', (text: string) => {
      output += text;
    });
    return child;
  };
  /** Numbers that arrived; a line that a killed reader did not finish is not one. */
  const arrived = () =>
    output
      .slice(0, output.lastIndexOf('\n') + 1)
      .split('\n')
      .slice(0, -1);
  const kill = async (child: ReturnType<typeof start>) => {
    const closed = once(child, 'close');
    child.kill('SIGKILL');
    await closed;
    // A line that was cut off must not run into the next reader's.
    output = output.slice(0, output.lastIndexOf('\n') + 1);
  };

  // A new writer's numbers begin far beyond the old one's, so that they ascend through every life.
  let lives = 1;
  let writer = start('writer', lives * 10_000_000);
  let reader = start('reader', 0);
  try {
    for (let i = 0; i < KILLS; i++) {
      const before = arrived().length;
      await until('messages to arrive', () => arrived().length > before + 200);
      if (i % 2 === 0) {
        await kill(reader);
        reader = start('reader', 0);
      } else {
        await kill(writer);
        writer = start('writer', ++lives * 10_000_000);
      }
    }
    const before = arrived().length;
    await until('messages after the last kill', () => arrived().length > before + 200);
  } finally {
    await kill(writer);
    await kill(reader);
    for (const fd of [memory, ...bells]) syscalls.close(fd);
  }
  const numbers = arrived().map(Number);
  expect(numbers.every(Number.isInteger)).toBe(true);
  for (let i = 1; i < numbers.length; i++) expect(numbers[i]).toBeGreaterThan(numbers[i - 1] as number);
  // Every life of the writer has been heard.
  expect(new Set(numbers.map((number) => Math.floor(number / 10_000_000))).size).toBe(lives);
});

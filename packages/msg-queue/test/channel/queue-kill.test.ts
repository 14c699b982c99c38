import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bytesCodec } from '@millrace/channel';
import { until } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { QueueChannel } from '../../src/index.js';
import { random, testKey, testName } from '../support.js';

/** Kills of each, writers and readers. */
const KILLS = process.env.MILLRACE_STRESS ? 200 : 8;
const PROGRAM = new URL('../../dist-test/fixtures/queue-peer.js', import.meta.url).pathname;

interface Peer {
  readonly child: ChildProcess;
  readonly output: string[];
}

/** Takes a reader's whole lines; one that it did not finish is none. */
function linesOf({ output }: Peer): string[] {
  const text = output.join('');
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .slice(0, -1);
}

/** What was reported by all readers: torn and bad messages, those that came twice, those that overtook. */
function judge(readers: readonly Peer[]): { arrived: number; wrong: string[] } {
  const seen = new Set<string>();
  const wrong: string[] = [];
  for (const reader of readers) {
    const last = new Map<number, number>();
    for (const line of linesOf(reader)) {
      if (!/^\d+ \d+$/.test(line) || seen.has(line)) wrong.push(line);
      seen.add(line);
      const [writer, number] = line.split(' ').map(Number) as [number, number];
      if (number <= (last.get(writer) ?? -1)) wrong.push(`${line} after ${last.get(writer)}`);
      last.set(writer, number);
    }
  }
  return { arrived: seen.size, wrong };
}

test.each([
  ['POSIX queues', 'posix'],
  ['System V queues', 'sysv'],
])(
  '%s: writers and readers killed at random under load: every message arrives at most once, whole, in its sender’s order; survivors go on',
  async (_name, kind) => {
    const seed = Number(process.env.MILLRACE_SEED ?? 1);
    const next = random(seed);
    const directory = mkdtempSync(join(tmpdir(), 'millrace-queue-kill-'));
    const [name, key] = [testName(), testKey()];
    testKey(); // the other direction's
    const open = (side: 'left' | 'right') => {
      const options = { directory, codec: bytesCodec(), sweepGrace: 1 };
      return kind === 'posix'
        ? QueueChannel.open(name, side, options)
        : QueueChannel.open([key, key + 1], side, options);
    };
    let lives = 0;
    const start = (role: string): Peer => {
      const target = kind === 'posix' ? name : String(key);
      const child = spawn(process.execPath, [PROGRAM, role, kind, target, directory, String(lives++)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const output: string[] = [];
      child.stdout?.setEncoding('latin1').on('data', (text: string) => {
        output.push(text);
        bytes += text.length;
      });
      return { child, output };
    };
    const kill = async ({ child }: Peer) => {
      expect([child.exitCode, child.signalCode]).toEqual([null, null]);
      const closed = once(child, 'close');
      child.kill('SIGKILL');
      await closed;
    };
    let bytes = 0;
    const more = async (amount: number) => {
      const before = bytes;
      await until('more messages', () => bytes > before + amount, { everyMs: 1 });
    };
    const writers = [start('writer'), start('writer')];
    const readers = [start('reader'), start('reader')];
    const all = [...readers];
    try {
      for (let i = 0; i < 2 * KILLS; i++) {
        await more(Math.floor(next() * 800));
        const victims = i % 2 === 0 ? writers : readers;
        const index = Math.floor(next() * victims.length);
        await kill(victims[index] as Peer);
        victims[index] = start(i % 2 === 0 ? 'writer' : 'reader');
        if (i % 2 === 1) all.push(victims[index] as Peer);
      }
      await more(800);
    } finally {
      for (const peer of [...writers, ...readers]) peer.child.kill('SIGKILL');
    }
    await until('their end', () =>
      [...writers, ...readers].every(({ child }) => child.exitCode !== null || child.signalCode !== null),
    );
    const { arrived, wrong } = judge(all);
    expect(wrong, `seed ${seed}`).toEqual([]);
    expect(arrived).toBeGreaterThan(KILLS);

    // What the last readers had not taken is there for the next; then what the dead left can be swept.
    const heir = open('right');
    heir.on('message', () => {});
    heir.on('badMessage', (error) => wrong.push(String(error)));
    await until('the queue to be empty', () => heir.transport.pendingIncoming === 0);
    heir.destroy();
    const sweeper = open('right');
    await until('the sweep', () => readdirSync(directory).length === 0);
    sweeper.destroy();
    expect(wrong).toEqual([]);
    if (kind === 'posix') QueueChannel.unlink(name, { directory });
    else QueueChannel.unlink([key, key + 1], { directory });
    rmSync(directory, { recursive: true });
    console.log(`${kind}: ${KILLS} writers and ${KILLS} readers killed, ${arrived} messages arrived`);
  },
  600_000,
);

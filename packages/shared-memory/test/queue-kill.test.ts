import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createMemory, MappedMemory, syscalls } from '@millrace/native';
import { until } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { DOORBELL_BYTES, Doorbell, openQueue, SharedQueue } from '../src/index.js';
import * as ledger from './fixtures/queue-ledger.js';

const FULL = process.env.MILLRACE_STRESS === '1';
const [TOTAL, KILLS] = FULL ? [1_000_000, 200] : [100_000, 20];
const SUPERVISOR = 4;
const ROLES = ['producer', 'producer', 'consumer', 'consumer'] as const;

interface Peer {
  readonly child: ChildProcess;
  readonly incarnation: number;
}

test('two producers and two consumers killed again and again: every message has exactly one fate', async () => {
  const memory = createMemory('queue-kill-test', ledger.BYTES);
  const eventfds = Array.from({ length: ledger.MEMBERS }, () => syscalls.eventfd());
  const mapped = new MappedMemory(memory, ledger.BYTES);
  const words = new Int32Array(mapped.buffer, 0, ledger.ENTRY_WORD + ledger.MESSAGES);
  const bells = eventfds.map(
    (fd, index) => new Doorbell(fd, mapped.buffer, ledger.BELLS_BYTE + index * DOORBELL_BYTES),
  );
  const supervisor = new SharedQueue({
    memory: openQueue(mapped.buffer, ledger.QUEUE_BYTE, ledger.QUEUE),
    member: SUPERVISOR,
    ring: (member) => bells[member]?.ring(),
  });
  const program = new URL('../dist-test/fixtures/queue-peer.js', import.meta.url).pathname;
  const spawnPeer = (member: number, incarnation: number): Peer => ({
    incarnation,
    child: spawn(process.execPath, [program, ROLES[member] as string, `${member}`, `${incarnation}`], {
      stdio: ['ignore', 'inherit', 'inherit', memory, ...eventfds],
    }),
  });
  const totals = { inHand: 0, finished: 0, dropped: 0 };
  const end = async (member: number, { child, incarnation }: Peer) => {
    const closed = once(child, 'exit');
    child.kill('SIGKILL');
    await closed;
    const found = supervisor.abandon(member, incarnation, (ticket) => {
      const number = supervisor.header(ticket, 0);
      Atomics.add(words, ledger.ENTRY_WORD + number, ledger.INHERITED);
      if (ledger.isRetried(number)) supervisor.retry(ticket);
      else supervisor.done(ticket);
    });
    for (const key of ['inHand', 'finished', 'dropped'] as const) totals[key] += found[key];
  };
  const random = randomNumbers(Number(process.env.MILLRACE_SEED ?? 1));
  const next = () => Atomics.load(words, ledger.NEXT_WORD);
  const peers = ROLES.map((_, member) => spawnPeer(member, 1));
  const deadline = { deadlineMs: 60_000, everyMs: 1 };
  try {
    for (let kill = 1; kill <= KILLS; kill++) {
      const limit = Math.floor((TOTAL * kill) / KILLS);
      const from = next();
      Atomics.store(words, ledger.LIMIT_WORD, limit);
      const instant = from + Math.floor(random() * (limit - from));
      await until(`${instant} messages to be posted`, () => next() > instant, deadline);
      const victim = Math.floor(random() * ROLES.length);
      const peer = peers[victim] as Peer;
      await end(victim, peer);
      peers[victim] = spawnPeer(victim, peer.incarnation + 1);
    }
    await until('the last message to be posted', () => next() >= TOTAL, deadline);
    const settled = () => {
      const { waiting, taken, writing, withdrawn } = supervisor.stats();
      return waiting + taken + writing + withdrawn === 0;
    };
    await until('the queue to be empty', settled, deadline);
  } finally {
    for (const [member, peer] of peers.entries()) await end(member, peer);
    for (const fd of [memory, ...eventfds]) syscalls.close(fd);
  }
  const stats = supervisor.stats();
  expect(stats).toEqual({ free: ledger.QUEUE.slots, writing: 0, waiting: 0, taken: 0, withdrawn: 0 });
  expect(Atomics.load(words, ledger.BROKEN_WORD)).toBe(0);
  const wrong: string[] = [];
  for (let number = 0; number < next(); number++) {
    const fault = faultOf(number, words[ledger.ENTRY_WORD + number] as number);
    if (fault !== undefined) wrong.push(`${number} ${fault}`);
  }
  mapped.close();
  expect(wrong).toEqual([]);
  if (!FULL) return;
  // Few kills may all come at a moment at which nothing was in anybody's hand.
  expect(totals.inHand + totals.finished + totals.dropped).toBeGreaterThan(0);
  console.log(`${KILLS} kills, ${TOTAL} messages:`, totals);
}, 1_200_000);

/** What is wrong with a message's entry. */
function faultOf(number: number, entry: number): string | undefined {
  const has = (bit: number) => (entry & bit) !== 0;
  const started = (entry >>> 8) & 0xff;
  const inherited = (entry >>> 16) & 0xff;
  const found = `(posted ${has(ledger.POSTED)}, started ${started}, inherited ${inherited})`;
  if (started > 1 + (ledger.isRetried(number) ? inherited : 0)) return `started too often ${found}`;
  if (inherited > 1 && !ledger.isRetried(number)) return `inherited too often ${found}`;
  if (has(ledger.WITHDRAWN)) return started + inherited > 0 ? `started though withdrawn ${found}` : undefined;
  // Whoever was killed while posting or withdrawing has not said whether it did.
  const untold = !has(ledger.POSTED) || (has(ledger.WITHDRAWING) && !has(ledger.TOO_LATE));
  if (untold) return undefined;
  if (started + inherited === 0) return `lost ${found}`;
  return ledger.isRetried(number) && started === 0 ? `inherited and not run again ${found}` : undefined;
}

/** Numbers from 0 to 1 from a seed, so that a run can be repeated (mulberry32). */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

import { expect, test } from 'vitest';
import { BYTE_CASES } from '../dist/chaos/byte-cases.js';
import { noCounts } from '../dist/chaos/counts.js';
import {
  killUnderSockets,
  killWorkers,
  killWorkersAtBytes,
  probeKilledWorkers,
  reloadUnderSockets,
  reloadWorkers,
} from '../dist/chaos/scenes.js';
import { noSocketCounts } from '../dist/chaos/sockets.js';
import { SPLIT_PROBES } from '../dist/desync/probes.js';
import { startCommand } from '../dist/start.js';

const COMMAND = startCommand();

test('10 kills of workers cost their requests in hand, each of which is told so, and no other', async () => {
  const result = await killWorkers(COMMAND, {
    connections: 50,
    kills: 10,
    everyMs: 150,
    delayMs: 10,
    restMs: 10,
  });
  const { changes, inHand, counts } = result;
  const { ok, badGateway, reset } = counts;
  expect(changes).toBe(10);
  expect(counts).toEqual({ ...noCounts(), ok, badGateway, reset });
  expect(badGateway).toBeGreaterThan(0);
  expect(badGateway + reset).toBeLessThanOrEqual(inHand);
});

test('killed at a byte of a request, workers take at most one answer with it, and no body is read as a request', async () => {
  const positions = (length: number) => [
    1,
    16,
    17,
    60,
    length - 60,
    length - 45,
    length - 44,
    length - 1,
    length,
  ];
  const result = await killWorkersAtBytes(COMMAND, { positions });
  const { counts, kills, second, stayedOpen, smuggled } = result;
  const { ok, badGateway } = counts;
  expect(counts).toEqual({ ...noCounts(), ok, badGateway });
  expect(ok + badGateway).toBe(9 * BYTE_CASES.length);
  expect({ second, stayedOpen, smuggled }).toEqual({ second: 0, stayedOpen: 0, smuggled: 0 });
  expect(kills).toBe(BYTE_CASES.length);
});

test('killed within a body that was answered before, workers lose no request behind it, and none ends without a word', async () => {
  const probes = SPLIT_PROBES.filter(({ says }) => says === 'an unknown expectation with a body');
  const { whole, ...others } = await probeKilledWorkers(COMMAND, probes);
  expect(others).toEqual({
    ...{ probes: 1, connections: probes[0]?.bytes.length },
    ...{ badGateway: others.badGateway, reset: 0, short: [], others: [] },
  });
  expect(whole).toBeGreaterThan(0);
});

test('a kill ends the WebSockets of one worker, and no message of the others is lost', async () => {
  const counts = await killUnderSockets(COMMAND, { sockets: 100, kills: 1 });
  const { closed, lost, doubled, wrong } = counts;
  expect({ lost, doubled, wrong }).toEqual({ lost: 0, doubled: 0, wrong: 0 });
  // Service restart; or a reset, where a frame was under way.
  expect(Object.keys(closed).filter((code) => code !== '1012' && code !== '1006')).toEqual([]);
  const sum = Object.values(closed).reduce((one, other) => one + other, 0);
  expect(sum).toBeGreaterThan(0);
  expect(sum).toBeLessThan(100);
});

/** The whole is 1,000 WebSockets and 20 reloads. */
const [sockets, reloads] = (process.env.COMPAT_SOCKETS ?? '60,2').split(',').map(Number) as [number, number];

test(`${reloads} reloads under ${sockets} WebSockets that are resumed close none, and every message comes back once`, async () => {
  const counts = await reloadUnderSockets(COMMAND, { sockets, reloads });
  console.log(JSON.stringify(counts));
  const { sent } = counts;
  expect(counts).toEqual({ ...noSocketCounts(), opened: sockets, sent, ok: sent, unsettled: 0 });
});

test('2 reloads under 50 kept connections close none, and every request is answered', async () => {
  const { changes, counts } = await reloadWorkers(COMMAND, {
    connections: 50,
    reloads: 2,
    delayMs: 10,
    restMs: 10,
  });
  expect(changes).toBe(2);
  expect(counts).toEqual({ ...noCounts(), ok: counts.ok });
});

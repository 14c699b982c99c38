import { afterAll, beforeAll, expect, test } from 'vitest';
import { PROBES, SPLIT_PROBES } from '../dist/desync/probes.js';
import { probeOnce, probeSplit } from '../dist/desync/probing.js';
import { PLAIN, Served, startCommand } from '../dist/start.js';

const COMMAND = startCommand();
/** Reads what plain node refuses: what must be found out. */
const LENIENT = {
  name: 'a lenient node',
  command: [process.execPath, '--insecure-http-parser'],
};

const running: Served[] = [];
let plain: Served;
let candidate: Served;

beforeAll(async () => {
  const start = async (by: typeof COMMAND) => {
    const served = await Served.start('inspect.js', by);
    running.push(served);
    return served;
  };
  [plain, candidate] = await Promise.all([start(PLAIN), start(COMMAND)]);
});

afterAll(async () => {
  await Promise.all(running.map((served) => served[Symbol.asyncDispose]()));
});

if (COMMAND.isLean === true) {
  test('the probes are read by the engine that is lean, in a worker', async () => {
    await probeOnce(candidate, PROBES[0] as (typeof PROBES)[0]);
    await candidate.tookByLean();
  });
}

for (const probe of PROBES) {
  test(`${COMMAND.name} answers ${probe.says} as plain node:http does`, async () => {
    const [expected, seen] = await Promise.all([probeOnce(plain, probe), probeOnce(candidate, probe)]);
    // When bytes come is no client's to say: right is what plain node answers to them however they come.
    if (COMMAND.isLean === true && seen !== expected) expect(await probeSplit(plain, probe)).toContain(seen);
    else expect(seen).toEqual(expected);
  });
}

for (const probe of SPLIT_PROBES) {
  test(`${COMMAND.name} answers ${probe.says}, split at any byte, as plain node:http does`, async () => {
    const [expected, seen] = await Promise.all([probeSplit(plain, probe), probeSplit(candidate, probe)]);
    // TCP may join the parts, or split them elsewhere: every way in which plain node answers the probe is right.
    const right = new Set([...expected, await probeOnce(plain, probe)]);
    expect(seen.filter((answer) => !right.has(answer))).toEqual([]);
  });
}

test('the probes tell a lenient parser from the one of node, and plain node reads some and refuses others', async () => {
  await using lenient = await Served.start('inspect.js', LENIENT);
  const different: string[] = [];
  const counts = { read: 0, refused: 0 };
  for (const probe of PROBES) {
    const [expected, seen] = await Promise.all([probeOnce(plain, probe), probeOnce(lenient, probe)]);
    if (expected !== seen) different.push(probe.says);
    if (expected.includes(' 400 Bad Request')) counts.refused++;
    else if (expected.includes(' 200 OK')) counts.read++;
  }
  expect(different).toContain('a length before chunks');
  expect(different.length).toBeGreaterThan(10);
  expect(counts.read).toBeGreaterThan(30);
  expect(counts.refused).toBeGreaterThan(60);
});

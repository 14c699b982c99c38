import { killLoop } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { closeRingEnd, createRingLink, descriptorsOf } from '../../src/ring.js';

const CAPACITY = 65_536;
const KILLS = process.env.MILLRACE_STRESS ? 200 : 8;

for (const spin of [0, 50]) {
  const how = spin > 0 ? 'spinning' : 'sleeping';
  test(`writer and reader, ${how}, killed at random: every message arrives whole, in order, at most once`, {
    timeout: 3_600_000,
  }, async () => {
    // This process keeps both ends, so that neither side takes the other's death for the end.
    const link = createRingLink({ capacity: CAPACITY });
    const result = await killLoop({
      program: new URL('../../dist-test/ring/fixtures/ring-numbers.js', import.meta.url).pathname,
      args: [String(CAPACITY), String(spin)],
      descriptors: (role) => descriptorsOf(role === 'writer' ? link.left : link.right),
      kills: KILLS,
    });
    closeRingEnd(link.left);
    closeRingEnd(link.right);
    expect(result).toMatchObject({ broken: [], disordered: [], lives: KILLS + 1 });
    // A writer may be killed before anything of it has arrived, but most are heard.
    expect(result.heard).toBeGreaterThan(result.lives / 2);
  });
}

import { describe, expect, it } from 'vitest';
import { Looks } from '../src/looks.js';

/** How many attempts are made when all are in vain. */
function inVain(looks: Looks): number {
  let attempts = 0;
  const attempt = () => {
    attempts++;
    return 'no';
  };
  expect(looks.try(attempt, 'no')).toBe('no');
  return attempts;
}

function found(looks: Looks): void {
  expect(looks.try<string, 'no'>(() => 'yes', 'no')).toBe('yes');
}

describe('looking again before waiting', () => {
  it('is done more often while it finds something, up to what a wait costs', () => {
    const looks = new Looks();
    expect(inVain(looks)).toBe(1);
    for (let i = 0; i < 10; i++) found(looks);
    expect(inVain(looks)).toBe(32);
  });

  it('is given up step by step while it finds nothing', () => {
    const looks = new Looks();
    for (let i = 0; i < 10; i++) found(looks);
    expect([
      inVain(looks),
      inVain(looks),
      inVain(looks),
      inVain(looks),
      inVain(looks),
      inVain(looks),
    ]).toEqual([32, 16, 8, 4, 2, 1]);
    expect(inVain(looks)).toBe(1);
  });

  it('ends with what it finds', () => {
    const looks = new Looks();
    for (let i = 0; i < 10; i++) found(looks);
    let attempts = 0;
    expect(looks.try<string, 'no'>(() => (++attempts === 5 ? 'yes' : 'no'), 'no')).toBe('yes');
    expect(attempts).toBe(5);
  });
});

import { describe, expect, it } from 'vitest';
import { SpinRetry } from '../../src/queue/spin-retry.js';

/** How many attempts are made when all are in vain. */
function inVain(retry: SpinRetry): number {
  let attempts = 0;
  const attempt = () => {
    attempts++;
    return 'no';
  };
  expect(retry.try(attempt, 'no')).toBe('no');
  return attempts;
}

function found(retry: SpinRetry): void {
  expect(retry.try<string, 'no'>(() => 'yes', 'no')).toBe('yes');
}

describe('looking again before waiting', () => {
  it('is done more often while it finds something, up to what a wait costs', () => {
    const retry = new SpinRetry();
    expect(inVain(retry)).toBe(1);
    for (let i = 0; i < 10; i++) found(retry);
    expect(inVain(retry)).toBe(32);
  });

  it('is given up step by step while it finds nothing', () => {
    const retry = new SpinRetry();
    for (let i = 0; i < 10; i++) found(retry);
    expect([
      inVain(retry),
      inVain(retry),
      inVain(retry),
      inVain(retry),
      inVain(retry),
      inVain(retry),
    ]).toEqual([32, 16, 8, 4, 2, 1]);
    expect(inVain(retry)).toBe(1);
  });

  it('ends with what it finds', () => {
    const retry = new SpinRetry();
    for (let i = 0; i < 10; i++) found(retry);
    let attempts = 0;
    expect(retry.try<string, 'no'>(() => (++attempts === 5 ? 'yes' : 'no'), 'no')).toBe('yes');
    expect(attempts).toBe(5);
  });
});

import { ProcessPoolError } from '../errors.js';
import type { Exit } from '../launch/restart-policy.js';
import type { Member } from '../member/member.js';

/** Throws `ERR_MILLRACE_POOL_START_FAILED` when one of the members has been given up. */
export function assertNoneLost(members: readonly Member[]): void {
  const lost = members.find((member) => member.state === 'given-up');
  if (lost === undefined) return;
  const { code, signal } = lost.lastExit as Exit;
  throw new ProcessPoolError(
    'ERR_MILLRACE_POOL_START_FAILED',
    `${lost.name} kept ending before it was ready, the last time with ${signal ?? `code ${code}`}. ` +
      'What it wrote before is the reason; it is not started again.',
  );
}

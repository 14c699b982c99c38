import { ProcessPoolError } from '../errors.js';
import type { Exit } from '../launch/restart-policy.js';
import type { Member } from '../member/member.js';

/** Throws `ERR_MILLRACE_POOL_START_FAILED` when one of the members has been given up. */
export function assertNoneLost(members: readonly Member[]): void {
  const lost = members.find((member) => member.state === 'given-up');
  if (lost === undefined) return;
  const { code, signal, error } = lost.lastExit as Exit;
  const how = error ? `(${error.message})` : signal === null ? `with code ${code}` : `by ${signal}`;
  const ended =
    lost.incarnation > 1 ? 'kept ending before it was ready, the last time' : 'ended before it was ready,';
  throw new ProcessPoolError(
    'ERR_MILLRACE_POOL_START_FAILED',
    `${lost.name} ${ended} ${how}. What it wrote before is the reason; it is not started again.`,
  );
}

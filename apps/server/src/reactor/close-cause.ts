import { CAUSE_OF_REASON, type CloseCause } from '../contract/close-causes.js';
import type { SessionCloseReason } from '../contract/close-reasons.js';
import type { Client } from './client.js';

/** What is counted of a client that is closed for that reason, with that error of its connection. */
export function causeOf(client: Client, reason: SessionCloseReason, error: Error | undefined): CloseCause {
  // An orderly end of the client comes without an error.
  if (reason === 'peer' && error !== undefined) return 'reset';
  if (reason === 'idle' && client.rare.isSilent) return 'heartbeat';
  return CAUSE_OF_REASON[reason];
}

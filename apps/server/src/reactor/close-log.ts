import type { SessionCloseReason } from '../contract/close-reasons.js';
import type { Client } from './client.js';
import type { ReactorContext } from './reactor-context.js';

/** Reasons that need no line in the log, or have one for several clients. */
const QUIET: ReadonlySet<SessionCloseReason> = new Set([
  'peer',
  'server',
  'shutdown',
  'idle',
  'dispatch',
  'death',
]);

/** Says why a client was closed, where that is nothing ordinary. */
export function logClosed(
  context: ReactorContext,
  client: Client,
  reason: SessionCloseReason,
  error: Error | undefined,
): void {
  if (QUIET.has(reason)) return;
  const { packageMaxLength, socketBufferSize } = context.port(client.listener);
  const why = {
    malformed: `it sent a message that is longer than packageMaxLength (${packageMaxLength} bytes) or malformed`,
    'output-limit': `more than socketBufferSize (${socketBufferSize} bytes) waited for it to read`,
  }[reason as string];
  const text = `Closed session ${client.session} of ${client.address}: ${why ?? error?.message ?? reason}`;
  context.host.log(reason, text);
}

/** By its index a reason travels in a CLOSED. */
export const CLOSE_REASONS = [
  'peer',
  'server',
  'malformed',
  'output-limit',
  'error',
  'shutdown',
  'idle',
  'dispatch',
  'death',
  'memory',
] as const;
/**
 * Why a connection was closed. `'peer'`: the client has ended or broken it off; `'server'`: `close` was called;
 * `'malformed'`: a message was too long or impossible; `'output-limit'`: more waited for it than `socketBufferSize`;
 * `'error'`: a system call failed; `'shutdown'`: the server ended, or in base mode its worker; `'idle'`: nothing came
 * for `heartbeatIdleTime`, or `maxIdleTime` went by; `'dispatch'`: the dispatch function said so; `'death'`: in base
 * mode, its worker died (no worker has an event for that, but `getClientInfo` tells); `'memory'`: all clients together
 * held more than `maxClientMemory`, and it was one of those that held most.
 */
export type SessionCloseReason = (typeof CLOSE_REASONS)[number];

import type { SessionCloseReason } from './close-reasons.js';

/**
 * Why connections are closed, as the server counts it: finer than what a session's handlers are told. By its index a cause has its counter
 * (counters-layout.ts), and by its name its series.
 */
export const CLOSE_CAUSES = [
  'client',
  'reset',
  'server',
  'malformed',
  'output_limit',
  'memory',
  'heartbeat',
  'idle',
  'dispatch',
  'worker_died',
  'error',
  'shutdown',
  'handshake',
  'worker_stuck',
] as const;
/**
 * `'client'`: it has ended; `'reset'`: it has broken off, or was gone when something was sent to it; `'server'`: the program has closed it;
 * `'malformed'`, `'output_limit'`, `'memory'`: the limits `packageMaxLength`, `socketBufferSize` and `maxClientMemory`; `'heartbeat'`,
 * `'idle'`: the times `heartbeatIdleTime` and `maxIdleTime`; `'dispatch'`: the dispatch function said so; `'worker_died'`: it has ended with its
 * worker; `'error'`: a system call failed; `'shutdown'`: the server ended; `'handshake'`: its TLS handshake failed; `'worker_stuck'`: its
 * worker had not even read for long that clients come.
 */
export type CloseCause = (typeof CLOSE_CAUSES)[number];

/** How many connections were closed for each. */
export type CloseCounts = Readonly<Record<CloseCause, number>>;

/** What is counted of a connection whose handlers are told that reason, unless more is known. */
export const CAUSE_OF_REASON: Readonly<Record<SessionCloseReason, CloseCause>> = {
  peer: 'client',
  server: 'server',
  malformed: 'malformed',
  'output-limit': 'output_limit',
  error: 'error',
  shutdown: 'shutdown',
  idle: 'idle',
  dispatch: 'dispatch',
  death: 'worker_died',
  memory: 'memory',
};

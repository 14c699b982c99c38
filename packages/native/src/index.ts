/**
 * What Node.js has no API for on Linux: memory that processes share, readiness of any descriptor in Node's loop, and whether a
 * process still lives. Below it, `@millrace/native/syscalls` is the system calls themselves: thin C over Node-API, without policy.
 *
 * ```ts
 * import { createMemory, livenessOf, MappedMemory, thisProcess } from '@millrace/native';
 *
 * const fd = createMemory('counters', 4_096);
 * const memory = new MappedMemory(fd, 4_096);
 * Atomics.add(new Int32Array(memory.buffer), 0, 1);
 * const owner = thisProcess();
 * if (livenessOf(owner) === 'dead') memory.close();
 * ```
 *
 * To read the source: calls.ts lists the system calls, and what each returns; addon.ts loads them; errors.ts makes errors of
 * them; what internal.ts exports is what several packages of Millrace need done in the same way.
 *
 * @packageDocumentation
 */
export type { InetAddress, UnixAddress } from './address.js';
export {
  NativeError,
  type NativeErrorCode,
  SystemCallArgumentError,
  SystemCallError,
} from './errors.js';
export { createMemory, MappedMemory } from './mapped-memory.js';
export {
  NodePoller,
  type PollRegistration,
  type ReadinessCallback,
} from './node-poller.js';
export { type TrustedUsers, UntrustedError } from './owners.js';
export {
  identityOf,
  type Liveness,
  livenessOf,
  livenessOfPid,
  type ProcessIdentity,
  thisProcess,
} from './process-liveness.js';
export type { SystemVPath } from './system-v-key.js';

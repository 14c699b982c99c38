/**
 * System calls of Linux for TypeScript: thin C over Node-API, without policy. What the other packages need of the kernel is here,
 * and no one else should have to import it.
 *
 *     const { pid, start, namespace } = thisProcess();
 *     const fd = createMemory('counters', 4_096);
 *     using memory = new MappedMemory(fd, 4_096);
 *
 * To read the source: syscalls.ts lists the calls, and what each returns; addon.ts loads them; errors.ts makes errors of them;
 * the other files are what several packages need done in the same way.
 *
 * @packageDocumentation
 */
export { syscalls } from './addon.js';
export {
  decodeInetAddress,
  decodeUnixAddress,
  type EncodedAddress,
  encodeInetAddress,
  encodeUnixAddress,
  type InetAddress,
  type UnixAddress,
} from './address.js';
export * from './constants.js';
export {
  check,
  NativeError,
  type NativeErrorCode,
  SystemCallArgumentError,
  SystemCallError,
} from './errors.js';
export { checkFreeMemory, createMemory, MappedMemory } from './mapped-memory.js';
export {
  NodePoller,
  type PollRegistration,
  type ReadinessCallback,
} from './node-poller.js';
export { assertTrusted, isTrusted, type TrustedUsers, UntrustedError } from './owners.js';
export { isRefusal, PrivateDirectory } from './private-directory.js';
export { dieWithParent } from './process-identity.js';
export {
  CLOCK_TICKS_PER_SECOND,
  identityOf,
  type Liveness,
  livenessOf,
  livenessOfPid,
  type ProcessIdentity,
  type ProcessStat,
  pidNamespace,
  processStat,
  processTag,
  type ThreadIdentity,
  taggedProcess,
  thisProcess,
  thisThread,
} from './process-liveness.js';
export { bindUnix, SocketFile } from './socket-file.js';
export { createSocketPair } from './socket-pair.js';
export type { MapHandle, MessageWaiter, PollHandle, Syscalls } from './syscalls.js';
export { ftok, type SystemVKey, type SystemVPath } from './system-v-key.js';
export { openForAppending } from './trusted-file.js';

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
  type ThreadIdentity,
  thisProcess,
  thisThread,
} from './process-liveness.js';
export { occupied, removeStale, SocketFile } from './socket-file.js';
export { createSocketPair } from './socket-pair.js';
export type { MapHandle, MessageWaiter, PollHandle, Syscalls } from './syscalls.js';
export { openForAppending } from './trusted-file.js';

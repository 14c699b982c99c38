/**
 * What several packages of Millrace need done in the same way. Nothing here is promised to other packages; it may change in any
 * version.
 *
 * ```ts
 * import { bindUnix } from '@millrace/native/internal';
 *
 * const file = bindUnix(fd, path, encodeUnixAddress({ path }), SOCK_STREAM, 0o600);
 * ```
 *
 * @packageDocumentation
 */
export { checkFreeMemory } from './mapped-memory.js';
export { assertTrusted, isTrusted } from './owners.js';
export { isRefusal, PrivateDirectory } from './private-directory.js';
export { dieWithParent } from './process-identity.js';
export {
  hasHalted,
  pidNamespace,
  processTag,
  type ThreadIdentity,
  taggedProcess,
  thisThread,
} from './process-liveness.js';
export { CLOCK_TICKS_PER_SECOND, type ProcessStat, ProcessStatFile, processStat } from './process-stat.js';
export { bindUnix, SocketFile } from './socket-file.js';
export { ftok, type SystemVKey } from './system-v-key.js';
export { openForAppending } from './trusted-file.js';

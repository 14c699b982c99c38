/**
 * Where the servers of this user are found, for what asks them: the command `millrace`, or a program with `node:http`.
 *
 * ```ts
 * import { request } from 'node:http';
 * import { serverNames, socketPath } from '@millrace/server/admin';
 *
 * for (const name of serverNames()) request({ socketPath: socketPath(name), path: '/v1/status' }, show).end();
 * ```
 *
 * @packageDocumentation
 */

export { prettyLines } from '../log/log-format.js';
export { adminDirectory, claimedPid, isAdminName, serverNames, socketPath } from './places.js';

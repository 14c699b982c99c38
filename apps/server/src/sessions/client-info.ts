import type { ClientInfo } from '../contract/client-info.js';
import type { SessionId, Unchecked } from '../contract/ids.js';
import { CLOSE_REASONS } from '../links/packet.js';
import { isInherited } from '../options/port-options.js';
import type { ResolvedPort } from '../options/resolved-port.js';
import { CLOSED, FLAG_BOUND, FLAG_PAUSED, FLAG_PROTECTED } from '../shared/connection-layout.js';
import type { ConnectionTable } from '../shared/connection-table.js';
import type { Counters } from '../shared/counters.js';
import type { TlsTable } from '../shared/tls-table.js';

/** Undefined when `session` is closed, unless `closedToo` and its slot has no successor yet. */
export function clientInfo(
  session: Unchecked<SessionId>,
  table: ConnectionTable,
  counters: Counters,
  ports: readonly ResolvedPort[],
  tls: TlsTable | undefined,
  closedToo: boolean,
): ClientInfo | undefined {
  const record = table.read(session);
  if (record === undefined || (record.state === CLOSED && !closedToo)) return undefined;
  const { received, sent, dispatched } = table.times(session);
  const port = ports[record.listener];
  // A process has written over the table.
  if (port === undefined) return undefined;
  return {
    serverPort: counters.port(record.listener),
    port: record.listener,
    socketType: socketType(port, record.host),
    remoteIp: record.host,
    remotePort: record.remotePort,
    reactorId: record.reactor,
    workerId: record.worker,
    uid: record.flags & FLAG_BOUND ? record.uid >>> 0 : undefined,
    connectTime: record.connectTime,
    lastTime: Math.max(received, sent),
    lastReceiveTime: received,
    lastSendTime: sent,
    lastDispatchTime: dispatched,
    sendQueuedBytes: table.queued(table.slot(session)),
    protected: (record.flags & FLAG_PROTECTED) !== 0,
    paused: (record.flags & FLAG_PAUSED) !== 0,
    tls: tls?.read(record.tlsCell, session),
    closeReason: record.state === CLOSED ? CLOSE_REASONS[record.reason] : undefined,
  };
}

function socketType(port: ResolvedPort, remoteHost: string): ClientInfo['socketType'] {
  if (port.path !== undefined || remoteHost === '') return 'unix';
  // What an inherited socket is bound to, only its clients tell.
  return (isInherited(port) ? remoteHost : port.host).includes(':') ? 'tcp6' : 'tcp';
}

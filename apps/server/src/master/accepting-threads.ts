import { Listener, type TlsAcceptorOptions } from '@millrace/reactor';
import type { Descriptors } from '../links/descriptor-names.js';
import type { Topology } from '../links/topology.js';
import { AcceptLog } from '../log/accept-log.js';
import type { LogLimit } from '../log/log.js';
import { lastForClients } from '../options/open-files.js';
import type { RoleContext } from '../process/role-context.js';
import { Acceptor } from '../reactor/acceptor.js';
import { memoryLimitsOf } from '../reactor/memory-guard.js';
import { capacityFor } from '../shared/connection-layout.js';
import { SessionIds } from '../shared/session-ids.js';
import type { Bound } from './listeners.js';
import { type ReactorThreadEvents, ReactorThreads } from './reactor-threads.js';
import { ServerCount } from './server-count.js';

/** What the threads of a server share with its master. */
export interface ThreadParts {
  readonly topology: Topology;
  readonly resources: Descriptors;
  /** One for each listener, but for those that a program asks for later. */
  readonly listeners: readonly (Bound | undefined)[];
  readonly tls: readonly (TlsAcceptorOptions | undefined)[];
  readonly limit: LogLimit;
}

/** The reactor threads of process mode. Where there is one it accepts clients itself; else the master does, for all of them. */
export function openAcceptingThreads(
  { options, ports }: RoleContext,
  { topology, resources, listeners, tls, limit }: ThreadParts,
  events: Pick<ReactorThreadEvents, 'onCorrupt' | 'onCrash'>,
): { readonly threads: ReactorThreads; readonly acceptor: Acceptor | undefined } {
  const { maxConnections, startSessionId, reservedDescriptors } = options;
  const datagrams = listeners.map((bound) =>
    bound === undefined || bound instanceof Listener ? undefined : { fd: bound.fd, address: bound.address },
  );
  const sole = topology.reactors === 1;
  const sockets = listeners.map((bound) => (bound instanceof Listener ? bound.fd : undefined));
  let acceptor: Acceptor | undefined;
  const threads = new ReactorThreads(
    topology,
    resources,
    {
      ports,
      datagrams,
      tls,
      sockets: sole ? sockets : [],
      maxConnections,
      startSessionId,
      reservedDescriptors,
      dispatchMode: options.dispatchMode,
      dispatchKey: options.dispatchKey,
      dispatchModule: options.dispatchModule,
      enableDelayReceive: options.enableDelayReceive,
      heartbeatCheckInterval: options.heartbeatCheckInterval,
      lingerTime: options.lingerTime,
      maxWaitTime: options.maxWaitTime,
      retryRequests: options.retryRequests,
      maxClientMessages: options.maxClientMessages,
      maxClientBytes: options.maxClientBytes,
      memoryLimits: memoryLimitsOf(options),
    },
    {
      ...events,
      onGone: (session) => acceptor?.gone(session),
      onLog: (kind, text) => limit.warn(kind, text),
    },
  );
  if (!sole) {
    acceptor = new Acceptor({
      ids: new SessionIds(capacityFor(topology.maxConnections), startSessionId),
      count: new ServerCount(threads.gateway.counters),
      maxConnections,
      log: new AcceptLog(limit, maxConnections),
      lastDescriptor: lastForClients(reservedDescriptors),
      take: (fd, session, listener, peer) => threads.accept(fd, session, listener, peer),
    });
  }
  return { threads, acceptor };
}

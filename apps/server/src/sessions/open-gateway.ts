import { NodePoller } from '@millrace/native';
import type { ChildProcessContext } from '@millrace/process-pool';
import type { DoorbellListener } from '@millrace/shared-memory/internal';
import { asReactor, type PeerId, type ReactorIndex, workerOfReactor } from '../contract/ids.js';
import * as packet from '../links/packet.js';
import type { PacketChannel } from '../links/packet-channel.js';
import { LINK, PEER } from '../links/server-plan.js';
import { OpenedResources } from '../links/shared-resources.js';
import type { Topology } from '../links/topology.js';
import type { Logger } from '../log/log.js';
import type { ResolvedPort } from '../options/resolved-port.js';
import type { RoleLease } from '../process/role-lease.js';
import { DatagramSender } from './datagram-sender.js';
import { SessionGateway } from './session-gateway.js';

/** A process with a log, which is loaded at its first line: most processes never write one. */
export interface HasLog {
  readonly log: Pick<Logger, 'warn'>;
}

/** A process's links to the reactor threads. */
export interface Links {
  readonly listener: DoorbellListener;
  readonly channels: readonly PacketChannel[];
  /** The process that is that reactor has ended, and the next has not begun: what lies between is emptied. In base mode. */
  reset(reactor: ReactorIndex): void;
}

/** Opens what a child of the server was handed to see, as `peer`: the tables that every process reads. */
export function openView(child: ChildProcessContext, topology: Topology, peer: PeerId): OpenedResources {
  return new OpenedResources(topology, PEER, peer, (name) => child.descriptor(name));
}

/**
 * Opens the links to reactor threads, as `peer`; of one process at a time: each link has one reader and one writer there.
 * `own` is the way to the reactor that this process is itself, in base mode; `bell`, where this process listens to its bell
 * already; the log of `logs` is told where it listens from here on, and finds that written over. `onCorrupt`: what a reactor has sent makes no sense, or what lies between cannot even be opened; nothing goes
 * either way until `reset`.
 */
export function openLinks(
  view: OpenedResources,
  topology: Topology,
  peer: PeerId,
  onCorrupt: (reactor: ReactorIndex, error: Error) => void,
  logs: HasLog,
  {
    own,
    bell,
  }: { readonly own?: PacketChannel | undefined; readonly bell?: DoorbellListener | undefined } = {},
): Links {
  const poller = new NodePoller();
  const spin = peer < topology.workers ? topology.spin : 0;
  const listener = bell ?? view.listen(poller, warningsOf(logs), spin);
  // What sessions send has its own limit; that a session is closed must always get through.
  const channel = { hardLimit: Number.POSITIVE_INFINITY };
  const ends = Array.from({ length: topology.reactors }, (_, index) => {
    const reactor = asReactor(index);
    if (own && workerOfReactor(reactor) === peer) return undefined;
    return view.links.end<packet.Packet>(LINK, reactor, {
      codec: packet.packetCodec(),
      listener,
      poller,
      channel,
      onCorrupt: (error) => onCorrupt(reactor, error),
    });
  });
  for (const end of ends) end?.begin();
  const channels = ends.map((end) => end?.channel ?? (own as PacketChannel));
  return { listener, channels, reset: (reactor) => ends[reactor]?.reset() };
}

const warningsOf =
  (logs: HasLog) =>
  (kind: string, text: string): void =>
    logs.log.warn({ kind }, text);

/** Listens to the bell of `peer`, for all that rings it; of one process at a time. That alone keeps no process alive. */
export function openBell(
  child: ChildProcessContext,
  topology: Topology,
  peer: PeerId,
  logs: HasLog,
): DoorbellListener {
  const listener = openView(child, topology, peer).listen(new NodePoller(), warningsOf(logs));
  listener.unref();
  return listener;
}

/**
 * The session gateway of a child that has no sessions of its own: a task worker, a user process, the manager. `place` or `bell`:
 * how this process has its name, for a while or as long as it lives.
 */
export function openSessionGateway(
  child: ChildProcessContext,
  topology: Topology,
  peer: PeerId,
  ports: readonly ResolvedPort[],
  lease: RoleLease | undefined,
  bell: DoorbellListener | undefined,
  onCorrupt: (reactor: ReactorIndex, error: Error) => void,
  logs: HasLog,
): SessionGateway {
  const view = openView(child, topology, peer);
  const counters = view.counters();
  const gateway = new SessionGateway({
    channels: topology.reactors,
    datagrams: DatagramSender.of(child, topology),
    table: view.connections(),
    counters,
    tls: view.tls(),
    ports,
    own: counters.process(peer),
    trace: view.trace({ peer }),
  });
  const open = () => {
    // First asked for when the place was given up: the links are the next one's.
    if (lease && !lease.isHeld) return gateway.retire();
    const links = openLinks(view, topology, peer, onCorrupt, logs, { bell });
    const { listener, channels } = links;
    gateway.connect(channels, view.fileSockets(), links);
    for (const channel of channels) {
      channel.on('message', ({ type, session, aux }) => {
        if (type === packet.DRAINED) gateway.settle(session, aux === 0);
      });
    }
    gateway.hear();
    // Knowing of sessions is no reason to go on.
    listener.unref();
    lease?.whenReleased(() => {
      gateway.retire();
      for (const channel of channels) channel.destroy();
      listener.close();
    });
  };
  if (lease) lease.whenHeld(open);
  else open();
  return gateway;
}

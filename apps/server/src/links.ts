import type { TransportChannel } from '@millrace/channel';
import { NodePoller } from '@millrace/native';
import type { ChildProcessContext } from '@millrace/process-pool';
import type { DoorbellListener } from '@millrace/shared-memory';
import {
  CONNECTIONS,
  COUNTERS,
  type FabricShape,
  FabricView,
  HUB,
  linkName,
  managerPeer,
  peerBellName,
  reactorBellName,
} from './fabric.js';
import * as packet from './packet.js';
import type { ResolvedPort } from './port-options.js';
import { Switchboard } from './switchboard.js';

/** A process's ways to the reactor threads. */
export interface Links {
  readonly view: FabricView;
  readonly listener: DoorbellListener;
  readonly channels: readonly TransportChannel<packet.Packet>[];
}

/** Opens what a child of the server was handed for talking to reactor threads, as `peer`. */
export function openLinks(child: ChildProcessContext, shape: FabricShape, peer: number): Links {
  const bells = Array.from({ length: shape.reactors }, (_, reactor) => reactorBellName(reactor));
  const names = [HUB, CONNECTIONS, COUNTERS, linkName(peer), peerBellName(peer), ...bells];
  const view = new FabricView(shape, Object.fromEntries(names.map((name) => [name, child.descriptor(name)])));
  const listener = view.listen(view.peerBell(peer), new NodePoller());
  const channels = Array.from(
    { length: shape.reactors },
    // What sessions send has its own limit; that a session is closed must always get through.
    (_, reactor) =>
      view.link('peer', peer, reactor, listener, { hardLimit: Number.POSITIVE_INFINITY }).channel,
  );
  return { view, listener, channels };
}

/** The switchboard of a child that has no sessions of its own: a task worker, a user process, the manager. */
export function openSwitchboard(
  child: ChildProcessContext,
  shape: FabricShape,
  peer: number,
  ports: readonly ResolvedPort[],
): Switchboard {
  const { view, listener, channels } = openLinks(child, shape, peer);
  const counters = view.counters();
  // The manager is no process of the flat ids.
  const own = peer === managerPeer(shape) ? new Float64Array(8) : counters.process(peer);
  const switchboard = new Switchboard({ channels, table: view.connections(), counters, ports, own });
  for (const channel of channels) {
    channel.onMessage(({ type, session, aux }) => {
      if (type === packet.DRAINED) switchboard.settle(session, aux === 0);
    });
  }
  // Knowing of sessions is no reason to go on.
  listener.unref();
  return switchboard;
}

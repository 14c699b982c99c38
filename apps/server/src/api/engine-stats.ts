import { asPeer } from '../contract/ids.js';
import { peersOf, servicePeer, type Topology } from '../links/topology.js';
import type { Counters } from '../shared/counters.js';
import * as layout from '../shared/counters-layout.js';
import type { ServerStats } from './stats.js';

/** What the processes of a server tell of their engine of tasks. */
export function engineStats(counters: Counters, topology: Topology): Partial<ServerStats> {
  const peers = Array.from({ length: peersOf(topology) }, (_, peer) => asPeer(peer));
  const sum = (counter: number) =>
    peers.reduce((total, peer) => total + counters.ofProcess(peer, counter), 0);
  // All say the same of its queue; the last one is right.
  const last = peers.reduce((newest, peer) =>
    counters.ofProcess(peer, layout.ENGINE_AT) > counters.ofProcess(newest, layout.ENGINE_AT) ? peer : newest,
  );
  const said = (counter: number) => counters.ofProcess(last, counter);
  const broker = servicePeer(topology, 'task broker');
  return {
    engineConnected: said(layout.ENGINE_CONNECTED) === 1,
    engineWaitingNum: said(layout.ENGINE_WAITING),
    engineDelayedNum: said(layout.ENGINE_DELAYED),
    engineRunningNum: said(layout.ENGINE_RUNNING),
    engineHostNum: said(layout.ENGINE_HOSTS),
    engineDisconnectCount: sum(layout.ENGINE_DISCONNECTS),
    remoteRetryCount: sum(layout.REMOTE_RETRIED),
    remoteLookUpCount: sum(layout.REMOTE_LOOKED_UP),
    remoteLostCount: sum(layout.REMOTE_LOST),
    ...(broker !== undefined && {
      hostRunningNum: counters.ofProcess(broker, layout.HOST_RUNNING),
      hostSlotNum: counters.ofProcess(broker, layout.HOST_SLOTS),
      hostSettledCount: counters.ofProcess(broker, layout.HOST_SETTLED),
      hostLostCount: counters.ofProcess(broker, layout.HOST_LOST),
      hostAgainCount: counters.ofProcess(broker, layout.HOST_AGAIN),
      hostCancelCount: counters.ofProcess(broker, layout.HOST_CANCELLED),
      hostStallCount: counters.ofProcess(broker, layout.HOST_STALLED),
    }),
  };
}

import { findIn } from '@millrace/process-pool/links';
import type { DoorbellListener } from '@millrace/shared-memory/internal';
import { RESTORE_MS } from '../constants.js';
import { type PeerId, type ReactorIndex, reactorOfWorker } from '../contract/ids.js';
import { type Descriptors, KEYS } from '../links/descriptor-names.js';
import { DRAINED, KEYS_CHANGED, Packet } from '../links/packet.js';
import { PEER } from '../links/server-plan.js';
import { OpenedResources } from '../links/shared-resources.js';
import { isWorker } from '../links/task-topology.js';
import { masterPeer, type Topology } from '../links/topology.js';
import type { ResolvedPort } from '../options/resolved-port.js';
import { type HasLog, type Links, openLinks } from '../sessions/open-gateway.js';
import { SessionGateway } from '../sessions/session-gateway.js';
import { hasKeys, type Keys, writeKeys } from '../shared/keys.js';
import type { Reactors } from './reactors.js';

/** Base mode: the master's links to the workers, which are the reactors. The manager starts and ends them. */
export class WorkerReactors implements Reactors {
  readonly gateway: SessionGateway;
  readonly #view: OpenedResources;
  readonly listener: DoorbellListener;
  readonly #channels: Links['channels'];
  readonly #links: Links;
  readonly #topology: Topology;

  readonly #keys: number | undefined;
  readonly #out = new Packet();
  readonly #logs: HasLog;
  /** The keys that workers are to have. */
  #tls: Keys;
  readonly #restoring: NodeJS.Timeout | undefined;

  /** `onCorrupt`: what the worker that is that reactor has sent makes no sense. */
  constructor(
    topology: Topology,
    descriptors: Descriptors,
    ports: readonly ResolvedPort[],
    tls: Keys,
    onCorrupt: (reactor: ReactorIndex, error: Error) => void,
    logs: HasLog,
  ) {
    this.#topology = topology;
    this.#keys = descriptors[KEYS];
    this.#logs = logs;
    this.#tls = tls;
    if (this.#keys !== undefined) {
      writeKeys(this.#keys, tls);
      this.#restoring = setInterval(() => this.#restoreKeys(), RESTORE_MS).unref();
    }
    this.#view = new OpenedResources(topology, PEER, masterPeer(topology), findIn(descriptors));
    const links = openLinks(this.#view, topology, masterPeer(topology), onCorrupt, logs);
    const { listener, channels } = links;
    this.#links = links;
    this.listener = listener;
    this.#channels = channels;
    const counters = this.#view.counters();
    this.gateway = new SessionGateway({
      channels,
      fileSockets: this.#view.fileSockets(),
      table: this.#view.connections(),
      counters,
      tls: this.#view.tls(),
      ports,
      own: counters.process(masterPeer(topology)),
      trace: this.#view.trace({ peer: masterPeer(topology) }),
    });
    for (const channel of channels) {
      channel.on('message', ({ type, session, aux }) => {
        if (type === DRAINED) this.gateway.settle(session, aux === 0);
      });
    }
  }

  async ready(): Promise<void> {}

  async settled(): Promise<void> {}

  /** Workers accept from when they are ready. */
  listen(): void {}

  /** Workers listen by themselves there, by the socket that they are handed. */
  openListener(): void {}

  /** TLS ends in the workers, where a program listens by itself. */
  async openSecureListener(): Promise<void> {}

  closeListener(): void {}

  /** In base mode its connections have ended with it. */
  async workerDied(): Promise<void> {}

  workerReplaced(): void {}

  /** Workers accept by themselves. */
  async resize(): Promise<void> {}

  workerGone(): void {}

  /** Of a worker: what lies between it and the master. Those of other processes are their reactors' to empty. */
  async resetLinks(peer: PeerId): Promise<void> {
    if (isWorker(this.#topology, peer)) this.#links.reset(reactorOfWorker(peer));
  }

  replaceTls(tls: Keys): void {
    if (this.#keys === undefined) return;
    writeKeys(this.#keys, tls);
    this.#tls = tls;
    // Those that come later read them at their start.
    for (const channel of this.#channels) {
      channel.send(this.#out.set(KEYS_CHANGED, 0));
      channel.flush();
    }
  }

  /** Every worker maps them, and one may have written over them: the next would find none, and end. */
  #restoreKeys(): void {
    if (this.#keys === undefined || hasKeys(this.#keys, this.#tls)) return;
    this.#logs.log.warn(
      { kind: 'keys' },
      'A process of this server has written over the keys and certificates in memory; they are written anew.',
    );
    this.replaceTls(this.#tls);
  }

  quiesce(): void {}

  async stop(): Promise<void> {
    clearInterval(this.#restoring);
    for (const channel of this.#channels) channel.destroy();
    this.listener.close();
  }

  close(): void {
    clearInterval(this.#restoring);
    this.#view.close();
  }
}

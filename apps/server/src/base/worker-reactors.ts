import type { DoorbellListener } from '@millrace/shared-memory';
import { type Descriptors, type FabricShape, FabricView, masterPeer } from '../fabric.js';
import { type Links, openLinks } from '../links.js';
import type { Reactors } from '../master/reactors.js';
import { DRAINED } from '../packet.js';
import type { ResolvedPort } from '../port-options.js';
import { Switchboard } from '../switchboard.js';

/** The switchboard counts what is sent in here. */
const OWN_COUNTERS = 8;

/** Base mode: the master's ways to the workers, which are the reactors. The manager starts and ends them. */
export class WorkerReactors implements Reactors {
  readonly switchboard: Switchboard;
  readonly #view: FabricView;
  readonly #listener: DoorbellListener;
  readonly #channels: Links['channels'];

  constructor(shape: FabricShape, descriptors: Descriptors, ports: readonly ResolvedPort[]) {
    this.#view = new FabricView(shape, descriptors);
    const { listener, channels } = openLinks(this.#view, shape, masterPeer(shape));
    this.#listener = listener;
    this.#channels = channels;
    this.switchboard = new Switchboard({
      channels,
      table: this.#view.connections(),
      counters: this.#view.counters(),
      tls: undefined,
      ports,
      // The master is no process of the flat ids: what it sends is counted for itself alone.
      own: new Float64Array(OWN_COUNTERS),
    });
    for (const channel of channels) {
      channel.onMessage(({ type, session, aux }) => {
        if (type === DRAINED) this.switchboard.settle(session, aux === 0);
      });
    }
  }

  async ready(): Promise<void> {}

  /** Workers accept from when they are ready. */
  listen(): void {}

  workerReplaced(): void {}

  replaceTls(): void {}

  quiesce(): void {}

  async stop(): Promise<void> {
    for (const channel of this.#channels) channel.destroy();
    this.#listener.close();
    this.#view.close();
  }
}

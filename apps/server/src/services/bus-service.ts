import type { Bus, OpenBus } from '../contract/bus.js';
import { BusRelay } from '../messages/bus-relay.js';
import type { ProcessMessages } from '../messages/process-messages.js';
import { loadedModule } from './loaded-modules.js';
import type { RunningService } from './service-role.js';

/** Holds the connection to the bus. */
export class BusService implements RunningService {
  readonly #messages: ProcessMessages;
  readonly #bus: Bus;
  #relay: BusRelay | undefined;

  constructor(messages: ProcessMessages, bus: Bus) {
    this.#messages = messages;
    this.#bus = bus;
  }

  /** It connects for as long as it takes; publications wait meanwhile, as many as it keeps. */
  async start(): Promise<void> {
    const { name, module, options } = this.#bus;
    const { openBus } = loadedModule<{ openBus: OpenBus }>(module);
    this.#relay = this.#messages.openBus(
      (parts) => new BusRelay({ ...parts, name, connect: (events) => openBus(options, events) }),
    );
  }

  heard(): void {}

  reset(): boolean {
    return false;
  }

  async stop(): Promise<void> {
    await this.#relay?.close();
  }
}

import type { Bus } from '../contract/bus.js';
import type { BusRelay } from '../messages/bus-relay.js';
import type { ProcessMessages } from '../messages/process-messages.js';
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
    this.#relay = await this.#messages.openBus(this.#bus);
  }

  heard(): void {}

  reset(): boolean {
    return false;
  }

  async stop(): Promise<void> {
    await this.#relay?.close();
  }
}

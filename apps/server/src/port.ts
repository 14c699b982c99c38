import { Handlers, type PortEvents } from './events.js';
import type { ResolvedPort } from './port-options.js';

/** One listener, with handlers of its own for the events that it has some for; the others are the server's. */
export class Port {
  readonly options: ResolvedPort;
  /** @internal */
  readonly handlers = new Handlers<PortEvents>();

  constructor(options: ResolvedPort) {
    this.options = options;
  }

  on<Name extends keyof PortEvents>(event: Name, handler: PortEvents[Name]): this {
    this.handlers.add(event, handler);
    return this;
  }
}

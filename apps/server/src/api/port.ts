import { checkEvent, Handlers, PORT_EVENTS, type PortEvents, type ServerEvents } from '../contract/events.js';
import type { ResolvedPort } from '../options/resolved-port.js';
import type { ServedServer } from '../sockets/server-kinds.js';

/** One listener, with handlers of its own for the events that it has some for; the others are the server's. */
export class Port {
  readonly options: ResolvedPort;
  /** @internal What has its connections, where that is no handler. */
  readonly served: ServedServer | undefined;
  /** @internal */
  readonly handlers = new Handlers<PortEvents>();

  constructor(options: ResolvedPort, served?: ServedServer) {
    this.options = options;
    this.served = served;
  }

  on<Name extends keyof PortEvents>(event: Name, handler: PortEvents[Name]): this {
    checkEvent(event, handler, PORT_EVENTS);
    this.handlers.add(event, handler);
    return this;
  }

  /** @internal Its own handlers, and the server's for events that it has none for. */
  handlersWith(server: Handlers<ServerEvents>): Handlers<PortEvents> {
    const merged = new Handlers<PortEvents>();
    for (const name of PORT_EVENTS) {
      for (const handler of this.handlers.has(name) ? this.handlers.get(name) : server.get(name))
        merged.add(name, handler);
    }
    return merged;
  }
}

/** What brings publications from server to server: what `redis()` of @millrace/task-bullmq/bus and `nats()` of @millrace/task-nats/bus make. */
export interface Bus {
  /** For messages: `'Redis'`. */
  readonly name: string;
  /** A `file:` URL of a module with an export `openBus`, an {@link OpenBus}: it is loaded in the process that holds the connection. */
  readonly module: string;
  /** What that is called with: plain data. */
  readonly options: unknown;
}

export type OpenBus = (options: unknown, events: BusEvents) => BusConnection;

export interface BusEvents {
  /** Connected, for the first time or again: nothing is subscribed to. */
  connected(): void;
  /** The connection is lost, and will be made again with back-off; once for each time. */
  away(error: Error): void;
  arrived(bytes: Uint8Array): void;
}

/** A connection to a bus, whose channels are numbers. */
export interface BusConnection {
  /** Resolves when the engine has it; rejects where it may not have it. In the order of the calls. */
  publish(channel: number, bytes: Uint8Array): Promise<void>;
  /** As far as it is connected. */
  subscribe(channels: readonly number[]): void;
  unsubscribe(channels: readonly number[]): void;
  close(): Promise<void>;
}

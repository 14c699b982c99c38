import type { Handlers, PortEvents } from '../contract/events.js';
import type { ListenerIndex, Unchecked } from '../contract/ids.js';
import type { Session } from '../contract/session.js';
import type { PacketChannel } from '../links/packet-channel.js';
import type { SessionGateway } from '../sessions/session-gateway.js';
import type { CounterBlock } from '../shared/counter-block.js';
import type { ServedSessions } from './served-sessions.js';

/** What the sessions of a worker are told. */
export interface SessionsParts {
  /** To each reactor thread. */
  readonly channels: readonly PacketChannel[];
  /** The one that all of the clients' messages come by, in base mode. */
  readonly source?: PacketChannel | undefined;
  readonly gateway: SessionGateway;
  /** This worker's counters. */
  readonly counters: CounterBlock;
  readonly handlers: (listener: Unchecked<ListenerIndex>) => Handlers<PortEvents>;
  /** The connections that servers of the program have, where there are such. */
  readonly served?: ServedSessions | undefined;
  /** Messages after which no more are taken. */
  readonly maxRequests: number;
  /** Messages whose handlers are under way at most; 0: any number. */
  readonly maxConcurrency: number;
  /** Whether this process gives its place up by {@link Sessions.retire}. */
  readonly retires: boolean;
  /** They have been taken. */
  readonly onServed: () => void;
  /** A handler has failed; without a session, at a datagram. */
  readonly onFailure: (error: unknown, session: Session | undefined) => void;
}

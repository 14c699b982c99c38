/**
 * How two peers are linked:
 *
 *   'ring'    two rings in shared memory; each side wakes the other by its doorbell
 *   'pipe'    a socket pair that keeps message boundaries
 *   'socket'  a socket pair whose ends the peers use as they like, to pass descriptors for instance
 *   'inbox'   a pipe that one peer reads, and all of the other side write to
 */
export type LinkKind = 'ring' | 'pipe' | 'socket' | 'inbox';

/** One side of a set of links: all peers of a group, or some of them, in the order in which their rings lie in memory. */
export type Side = string | { readonly group: string; readonly members: readonly number[] };

/** Links of one name: one between each peer of `from` and each of `to`, or with `'inbox'` one for each of `to`. */
export interface LinkSet {
  readonly from: Side;
  /** Of another group than `from`, but for an inbox, which its own peer does not write to. */
  readonly to: Side;
  /** A function where not all of them are of one kind; rings and pipes may be mixed, the others not. */
  readonly kind: LinkKind | ((from: number, to: number) => 'ring' | 'pipe');
  /** Bytes of each of a link's two rings, a power of two; for rings. */
  readonly bytes?: (from: number, to: number) => number;
  /** Bytes of the largest message. Default 64 MiB. */
  readonly maxMessageSize?: number;
  /** Of pipes: whether small messages share datagrams, see `PipeTransportOptions`. Default true. */
  readonly gather?: boolean;
}

/** Memory that peers share beside their links. */
export interface SharedMemory {
  readonly bytes: number;
  /** The groups whose peers are handed it. */
  readonly groups: readonly string[];
}

/**
 * Which peers there are, which of them are linked, by what and how large. It holds no descriptor: every process makes it anew
 * of the same options, and gets the same names and the same layouts.
 */
export interface LinkPlan {
  /** How many peers each group has; a peer is a process or a thread, or a part of one, by its number from 0. */
  readonly peers: Readonly<Record<string, number>>;
  /** By name. */
  readonly links: Readonly<Record<string, LinkSet>>;
  /** By name. */
  readonly memories?: Readonly<Record<string, SharedMemory>>;
  /** Groups that have a doorbell though no ring of theirs is planned; those with rings have one anyway. */
  readonly doorbells?: readonly string[];
  /** What the names of memories begin with in `/proc/PID/maps`. Default `'millrace'`. */
  readonly label?: string;
}

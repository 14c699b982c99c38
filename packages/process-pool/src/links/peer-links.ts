import { type Poller, TransportChannel } from '@millrace/channel';
import { MappedMemory, NodePoller } from '@millrace/native';
import { openPipe, PipeTransport } from '@millrace/pipe-ipc';
import {
  assertRing,
  Doorbell,
  DoorbellListener,
  RingTransport,
  resetRing,
  ringAt,
} from '@millrace/shared-memory/internal';
import type { DoorbellListenerOptions, RingMemory } from '@millrace/shared-memory/ring';
import {
  badPlan,
  bellName,
  DOORBELLS,
  type FindDescriptor,
  type LinkSetLayout,
  type PlanLayout,
} from './layout.js';
import { LinkEnd, type LinkEndOptions } from './link-end.js';

/** The two rings of a link: from its `from` to its `to`, and back. */
interface RingEnds {
  readonly down: RingMemory;
  readonly up: RingMemory;
}

export interface InboxOptions {
  /** Whether the descriptor belongs to another part of this process, which closes it. Default false. */
  readonly borrowed?: boolean;
  /** Of the end that is read: told of what has come and is no message; it is dropped, for many write there. */
  readonly onBad?: (error: Error) => void;
}

/** A peer's part of a plan, in its own process or thread. */
export class PeerLinks {
  readonly #layout: PlanLayout;
  readonly #group: string;
  readonly #peer: number;
  readonly #find: FindDescriptor;
  readonly #mapped = new Map<string, MappedMemory>();

  /** @internal */
  constructor(layout: PlanLayout, group: string, peer: number, find: FindDescriptor) {
    this.#layout = layout;
    this.#group = group;
    this.#peer = peer;
    this.#find = find;
  }

  /** A shared memory of the plan. */
  memory(name: string): ArrayBuffer {
    const memory = this.#layout.plan.memories?.[name];
    if (memory === undefined) throw badPlan(`There is no memory '${name}'`);
    return this.#map(name, memory.bytes);
  }

  /** The doorbell of a peer, to ring it. */
  doorbell(group: string, peer: number): Doorbell {
    const at = this.#layout.doorbellAt(group, peer);
    const words = this.#map(DOORBELLS, this.#layout.doorbellBytes);
    return new Doorbell(this.#find(bellName(group, peer)), words, at);
  }

  /** Listens on this peer's own doorbell, for all that rings it; of one process at a time. */
  listen(poller: Poller = new NodePoller(), options: DoorbellListenerOptions = {}): DoorbellListener {
    return new DoorbellListener(this.doorbell(this.#group, this.#peer), poller, options);
  }

  /** Maps the rings of the link of that name with that peer, which another process of this peer may have open: nothing else is done with them. */
  map(name: string, other: number): void {
    const set = this.#layout.set(name);
    const [from, to] = this.#isFrom(set) ? [this.#peer, other] : [other, this.#peer];
    if (set.kind(from, to) === 'ring') this.#ringsOf(set, from, to);
  }

  /** Opens this peer's end of the links of that name to all peers of the other side, in their order. */
  ends<Out, In = Out>(
    name: string,
    optionsOf: (other: number) => LinkEndOptions<Out, In>,
  ): LinkEnd<Out, In>[] {
    const set = this.#layout.set(name);
    const others = this.#isFrom(set) ? set.to : set.from;
    return others.members.map((other) => this.#open(set, other, optionsOf(other)));
  }

  /** Opens this peer's end of the link of that name to that peer of the other side. */
  end<Out, In = Out>(name: string, other: number, options: LinkEndOptions<Out, In>): LinkEnd<Out, In> {
    return this.#open(this.#layout.set(name), other, options);
  }

  /** This peer's end of a bare socket pair. */
  socket(name: string, other: number): number {
    return this.#find(this.#endName(this.#layout.set(name), other));
  }

  /** The end of this peer's own inbox that it reads; of one process at a time. */
  inbox<In>(name: string, { borrowed = false, onBad }: InboxOptions = {}): TransportChannel<In> {
    const fd = this.#find(this.#layout.set(name).readName(this.#peer));
    const channel = openPipe<In>(fd, { closeDescriptor: !borrowed, onBadDatagram: onBad });
    if (onBad) channel.on('badMessage', (error) => onBad(error as Error));
    return channel;
  }

  /** The end of another peer's inbox that this one writes to. */
  outbox<Out>(name: string, to: number, { borrowed = false }: InboxOptions = {}): TransportChannel<Out> {
    return openPipe<Out>(this.#find(this.#layout.set(name).writeName(to)), { closeDescriptor: !borrowed });
  }

  /**
   * Empties the link between two peers, which may be others; that it has rings, and that neither has it open, is the caller's to
   * know. A pipe is emptied by the one that reads it, see `LinkEnd.reset`: here nothing is done.
   */
  reset(name: string, from: number, to: number): void {
    const set = this.#layout.set(name);
    if (set.kind(from, to) !== 'ring') return;
    const { down, up } = this.#ringsOf(set, from, to);
    resetRing(down);
    resetRing(up);
  }

  /** Unmaps all memory; after the channels and the listener have been closed. Idempotent. */
  close(): void {
    for (const memory of this.#mapped.values()) memory.close();
    this.#mapped.clear();
  }

  #open<Out, In>(set: LinkSetLayout, other: number, options: LinkEndOptions<Out, In>): LinkEnd<Out, In> {
    const [from, to] = this.#isFrom(set) ? [this.#peer, other] : [other, this.#peer];
    switch (set.kind(from, to)) {
      case 'ring':
        return this.#openRings(set, from, to, options);
      case 'pipe':
        return this.#openPipe(set, other, options);
      default:
        throw badPlan(`The links '${set.name}' are no channels`);
    }
  }

  #openRings<Out, In>(
    set: LinkSetLayout,
    from: number,
    to: number,
    { listener, codec, awaited, channel: channelOptions, onCorrupt }: LinkEndOptions<Out, In>,
  ): LinkEnd<Out, In> {
    if (listener === undefined) throw badPlan(`The rings '${set.name}' are opened without a 'listener'`);
    const { down, up } = this.#ringsOf(set, from, to);
    const isFrom = this.#isFrom(set);
    const unusable = whyUnusable(down, up);
    if (unusable !== undefined && onCorrupt === undefined) throw unusable;
    const transport = new RingTransport({
      incoming: isFrom ? up : down,
      outgoing: isFrom ? down : up,
      listener,
      peer: isFrom ? this.doorbell(set.to.group, to) : this.doorbell(set.from.group, from),
      ...(set.set.maxMessageSize !== undefined && { maxMessageSize: set.set.maxMessageSize }),
      ...(awaited !== undefined && { awaited }),
      ...(onCorrupt && { onCorrupt }),
    });
    const channel = new TransportChannel<Out, In>(transport, codec, channelOptions);
    if (onCorrupt) channel.on('badMessage', (error) => transport.distrust(error as Error));
    return new LinkEnd(channel, transport, unusable);
  }

  #openPipe<Out, In>(
    set: LinkSetLayout,
    other: number,
    {
      codec,
      poller,
      borrowed = false,
      onCorrupt,
      badMessages,
      channel: channelOptions,
    }: LinkEndOptions<Out, In>,
  ): LinkEnd<Out, In> {
    const { maxMessageSize, gather } = set.set;
    const drops = badMessages === 'drop';
    const transport = new PipeTransport(this.#find(this.#endName(set, other)), {
      closeDescriptor: !borrowed,
      ...(poller && { poller }),
      ...(maxMessageSize !== undefined && { maxMessageSize }),
      ...(gather !== undefined && { gather }),
      ...(onCorrupt && (drops ? { onBadDatagram: onCorrupt } : { onCorrupt })),
    });
    const channel = new TransportChannel<Out, In>(transport, codec, channelOptions);
    if (onCorrupt) {
      channel.on('badMessage', (error) =>
        drops ? onCorrupt(error as Error) : transport.distrust(error as Error),
      );
    }
    return new LinkEnd(channel, transport);
  }

  #isFrom(set: LinkSetLayout): boolean {
    const isFrom = set.from.group === this.#group;
    if (!isFrom && set.to.group !== this.#group)
      throw badPlan(`No peer of '${this.#group}' has links of '${set.name}'`);
    return isFrom;
  }

  #endName(set: LinkSetLayout, other: number): string {
    return this.#isFrom(set) ? set.fromName(this.#peer, other) : set.toName(other, this.#peer);
  }

  /** The rings of a link, whatever they hold. */
  #ringsOf(set: LinkSetLayout, from: number, to: number): RingEnds {
    const memory = this.#map(set.memoryName(to), set.memoryBytes(to));
    const [down, up] = set.ringsAt(from, to);
    const capacity = set.capacity(from, to);
    return { down: ringAt(memory, down, capacity), up: ringAt(memory, up, capacity) };
  }

  #map(name: string, bytes: number): ArrayBuffer {
    let memory = this.#mapped.get(name);
    if (memory === undefined) {
      memory = new MappedMemory(this.#find(name), bytes);
      this.#mapped.set(name, memory);
    }
    return memory.buffer;
  }
}

/** Why two rings cannot be used; where memory is still zero it makes them. */
function whyUnusable(...rings: readonly RingMemory[]): Error | undefined {
  try {
    for (const ring of rings) assertRing(ring);
    return undefined;
  } catch (error) {
    return error as Error;
  }
}

import { shown, type TransportChannel, type WaitOptions } from '@millrace/channel';
import { inTime } from '@millrace/channel/internal';
import type { FindDescriptor, PeerLinks } from '@millrace/process-pool/links';
import type { PeerId, ProcessId } from '../contract/ids.js';
import { ServerError } from '../errors.js';
import { COUNTERS } from '../links/descriptor-names.js';
import { idRange } from '../links/peer-identity.js';
import { INBOX, linksOf, PEER } from '../links/server-plan.js';
import { countersShape } from '../links/table-sizes.js';
import { idOfPeer, managerPeer, masterPeer, peerOfFlatId, type Topology } from '../links/topology.js';
import { Counters } from '../shared/counters.js';
import { hasProcess } from '../shared/server-size.js';
import { type CommandFrame, isCommandFrame } from './commands.js';

/** A message between two processes of the server. */
interface PeerMessage {
  readonly from: PeerId;
  readonly body: unknown;
  /** In place of a body. */
  readonly command?: CommandFrame;
}

export interface PeerMessengerParts {
  readonly topology: Topology;
  /** Who this process is among the peers. */
  readonly peer: PeerId;
  readonly descriptor: FindDescriptor;
  readonly onMessage: (source: ProcessId, message: unknown) => void;
  readonly onCommand: (source: ProcessId, frame: CommandFrame) => void;
  /** Told of what has come and is no message; it is dropped. */
  readonly onBad: (error: Error) => void;
  /** Whether the descriptors are closed elsewhere. */
  readonly borrowed: boolean;
}

/**
 * Messages between any two processes of the server, in the order that the sender has sent them. Each has an inbox, a
 * pipe that the master made: what a dead process had not read, its replacement reads.
 */
export class PeerMessenger {
  readonly #parts: PeerMessengerParts;
  readonly #links: PeerLinks;
  readonly #inbox: TransportChannel<PeerMessage>;
  readonly #counters: Counters;
  #started = false;
  readonly #outgoing = new Map<PeerId, TransportChannel<PeerMessage>>();

  constructor(parts: PeerMessengerParts) {
    this.#parts = parts;
    // Every process of the server may write there: what one of them sends must not cost the others this way.
    const { topology, peer, descriptor, borrowed, onBad } = parts;
    this.#links = linksOf(topology).open(PEER, peer, descriptor);
    this.#counters = new Counters(this.#links.memory(COUNTERS), countersShape(topology));
    this.#inbox = this.#links.inbox<PeerMessage>(INBOX, { borrowed, onBad });
    this.#inbox.unref();
  }

  /** Takes messages from here on; idempotent. */
  start(): void {
    if (this.#started) return;
    this.#started = true;
    this.#inbox.on('message', (letter) => {
      if (!this.#isPeerMessage(letter))
        return this.#parts.onBad(
          new TypeError('It has no sender that there is, or is no command that it says to be.'),
        );
      const { from, body, command } = letter;
      const source = this.#idOf(from);
      if (command) this.#parts.onCommand(source, command);
      else this.#parts.onMessage(source, body);
    });
  }

  sendCommand(frame: CommandFrame, to: ProcessId): boolean | undefined {
    return this.#outgoingTo(to).send({ from: this.#parts.peer, body: undefined, command: frame });
  }

  /**
   * Sends any value that msgpackr carries. False: sent, but much waits for the other process; `drained` tells when to go
   * on. Undefined: not sent, since this process has ended its messages. Throws `ERR_MILLRACE_NO_PROCESS`, and what `Channel.send`
   * throws.
   */
  send(message: unknown, to: ProcessId): boolean | undefined {
    return this.#outgoingTo(to).send({ from: this.#parts.peer, body: message });
  }

  /** Resolves when everything sent to that process has left this one. */
  drained(to: ProcessId, options?: WaitOptions): Promise<void> {
    return this.#outgoingTo(to).drained(options);
  }

  /** Resolves when everything has left this process, or after `timeout` milliseconds. */
  async flush(timeout: number): Promise<void> {
    await Promise.allSettled([...this.#outgoing.values()].map((post) => post.drained({ timeout })));
  }

  /** Takes no more messages, what has been begun apart: what has not been read is for the next process of this name. */
  async stop(timeout: number): Promise<void> {
    // A sender may have died in the middle of a large one.
    await inTime(this.#inbox.finishReading(), timeout, { keepLoop: false });
    this.#inbox.destroy();
  }

  close(): void {
    this.#inbox.destroy();
    for (const post of this.#outgoing.values()) post.destroy();
  }

  #outgoingTo(to: ProcessId): TransportChannel<PeerMessage> {
    const peer = this.#peerOf(to);
    let post = this.#outgoing.get(peer);
    if (post === undefined) {
      post = this.#links.outbox<PeerMessage>(INBOX, peer, { borrowed: this.#parts.borrowed });
      post.unref();
      this.#outgoing.set(peer, post);
    }
    return post;
  }

  #isPeerMessage(value: unknown): value is PeerMessage {
    if (typeof value !== 'object' || value === null) return false;
    const { from, command } = value as { readonly from?: unknown; readonly command?: unknown };
    const isPeer =
      Number.isInteger(from) && (from as number) >= 0 && (from as number) <= masterPeer(this.#parts.topology);
    return isPeer && (command === undefined || isCommandFrame(command));
  }

  #peerOf(to: ProcessId): PeerId {
    const { topology, peer: own } = this.#parts;
    if (to === 'manager' && own !== managerPeer(topology)) return managerPeer(topology);
    if (to === 'master' && own !== masterPeer(topology)) return masterPeer(topology);
    const peer = typeof to === 'number' ? peerOfFlatId(topology, to) : undefined;
    if (peer !== undefined && peer !== own) {
      if (hasProcess(topology, this.#counters, peer)) return peer;
      throw new ServerError(
        'ERR_MILLRACE_NO_PROCESS',
        `No message goes to process ${to}: the server is not scaled so far now.`,
      );
    }
    const allowed = `${idRange(topology)}, 'manager' or 'master', and not the own process`;
    throw new ServerError(
      'ERR_MILLRACE_NO_PROCESS',
      `No message goes to ${shown(to)}: allowed are ${allowed}.`,
    );
  }

  #idOf(peer: PeerId): ProcessId {
    return idOfPeer(this.#parts.topology, peer);
  }
}

import { shown, type TransportChannel, type WaitOptions } from '@millrace/channel';
import { inTime } from '@millrace/channel/internal';
import type { FindDescriptor, PeerLinks } from '@millrace/process-pool/links';
import { PUBLICATIONS_LIMIT } from '../constants.js';
import { asPeer, type PeerId, type ProcessId } from '../contract/ids.js';
import { ServerError } from '../errors.js';
import { COUNTERS, TOPICS } from '../links/descriptor-names.js';
import { idRange } from '../links/peer-identity.js';
import { INBOX, linksOf, PEER } from '../links/server-plan.js';
import { countersShape } from '../links/table-sizes.js';
import {
  idOfPeer,
  managerPeer,
  masterPeer,
  peerOfFlatId,
  peersOf,
  type Topology,
} from '../links/topology.js';
import { Counters } from '../shared/counters.js';
import { DROPPED_MESSAGES, PID, START_TIME } from '../shared/counters-layout.js';
import { hasProcess } from '../shared/server-size.js';
import { TopicBoard } from '../shared/topic-board.js';
import { type CommandFrame, isCommandFrame } from './commands.js';
import { isTopic } from './topic-rules.js';

/** A message between two processes of the server. */
interface PeerMessage {
  readonly from: PeerId;
  readonly body: unknown;
  /** In place of a body. */
  readonly command?: CommandFrame;
  /** It was published under that: the body is its bytes. */
  readonly topic?: string;
}

/** A way to one process. */
interface Outbox {
  readonly channel: TransportChannel<PeerMessage>;
  /** Something that was sent, not published, may wait there: the end of this process waits for that. */
  owes: boolean;
}

export interface PeerMessengerParts {
  readonly topology: Topology;
  /** Who this process is among the peers. */
  readonly peer: PeerId;
  readonly descriptor: FindDescriptor;
  readonly onMessage: (source: ProcessId, message: unknown) => void;
  readonly onCommand: (source: ProcessId, frame: CommandFrame) => void;
  readonly onPublication: (topic: string, body: Uint8Array) => void;
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
  /** What this process counts. */
  readonly counters: Float64Array;
  readonly #counters: Counters;
  readonly #board: TopicBoard;
  /** Opened when it is read: many processes never do. */
  #inbox: TransportChannel<PeerMessage> | undefined;
  /** Its inbox is for the next process of this name. */
  #isStopped = false;
  #isOver = false;
  readonly #outgoing = new Map<PeerId, Outbox>();

  constructor(parts: PeerMessengerParts) {
    this.#parts = parts;
    const { topology, peer, descriptor } = parts;
    this.#links = linksOf(topology).open(PEER, peer, descriptor);
    this.#counters = new Counters(this.#links.memory(COUNTERS), countersShape(topology));
    this.counters = this.#counters.process(peer);
    this.#board = new TopicBoard(this.#links.memory(TOPICS), peersOf(topology));
  }

  /** Takes messages from here on; idempotent. */
  start(): void {
    if (this.#inbox !== undefined || this.#isStopped || this.#isOver) return;
    const { borrowed, onBad } = this.#parts;
    // Every process of the server may write there: what one of them sends must not cost the others this way.
    this.#inbox = this.#links.inbox<PeerMessage>(INBOX, { borrowed, onBad });
    this.#inbox.unref();
    this.#inbox.on('message', (letter) => this.#arrived(letter));
  }

  /** Tells all processes that this one subscribes to the topics of these numbers, and to no others. */
  writeTopics(numbers: Iterable<number>): void {
    this.#board.write(this.#parts.peer, numbers);
  }

  /** The numbers of the topics that other processes subscribe to. */
  topicsOfOthers(): Iterable<number> {
    return this.#board.all(this.#parts.peer);
  }

  /** Which run of a server this is, on its machine. */
  get serverName(): string {
    const master = this.#counters.ofProcess(masterPeer(this.#parts.topology), PID);
    return `${master} ${this.#counters.server(START_TIME)}`;
  }

  addTopic(number: number): void {
    this.#board.add(this.#parts.peer, number);
  }

  deleteTopic(number: number): void {
    this.#board.delete(this.#parts.peer, number);
  }

  /**
   * Sends what was published to each other process that may subscribe to it. False: too much waits for one of them, and for that it
   * was dropped. Undefined: this process has ended its messages.
   */
  publish(topic: string, number: number, body: Uint8Array): boolean | undefined {
    if (this.#isOver) return undefined;
    const { topology, peer: own } = this.#parts;
    const message: PeerMessage = { from: own, topic, body };
    let dropped = 0;
    const peers = peersOf(topology);
    for (let other = 0; other < peers; other++) {
      const peer = asPeer(other);
      if (peer === own || !this.#board.has(peer, number)) continue;
      if (!hasProcess(topology, this.#counters, peer)) continue;
      const { channel } = this.#outgoingTo(peer);
      // Whoever does not read costs this process that much, and no time.
      if (channel.queuedBytes > PUBLICATIONS_LIMIT || channel.send(message) === undefined) dropped++;
    }
    const { counters } = this;
    counters[DROPPED_MESSAGES] = (counters[DROPPED_MESSAGES] as number) + dropped;
    return dropped === 0;
  }

  sendCommand(frame: CommandFrame, to: ProcessId): boolean | undefined {
    return this.#send({ from: this.#parts.peer, body: undefined, command: frame }, to);
  }

  /**
   * Sends any value that msgpackr carries. False: sent, but much waits for the other process; `drained` tells when to go
   * on. Undefined: not sent, since this process has ended its messages. Throws `ERR_MILLRACE_NO_PROCESS`, and what `Channel.send`
   * throws.
   */
  send(message: unknown, to: ProcessId): boolean | undefined {
    return this.#send({ from: this.#parts.peer, body: message }, to);
  }

  /** Resolves when everything sent to that process has left this one. */
  drained(to: ProcessId, options?: WaitOptions): Promise<void> {
    return this.#outgoingTo(this.#peerOf(to)).channel.drained(options);
  }

  /**
   * Resolves when everything that was sent has left this process, or after `timeout` milliseconds. It waits for nothing that was
   * published: a process that does not read would hold up the end of all that publish to it.
   */
  async flush(timeout: number): Promise<void> {
    const owing: Promise<void>[] = [];
    for (const { channel, owes } of this.#outgoing.values()) {
      channel.flush();
      if (owes && channel.queuedBytes > 0) owing.push(channel.drained({ timeout }));
    }
    await Promise.allSettled(owing);
  }

  /** Takes no more messages, what has been begun apart: what has not been read is for the next process of this name. */
  async stop(timeout: number): Promise<void> {
    const inbox = this.#inbox;
    // From here on nothing opens it any more.
    this.#isStopped = true;
    if (inbox === undefined) return;
    // A sender may have died in the middle of a large one.
    await inTime(inbox.finishReading(), timeout, { keepLoop: false });
    inbox.destroy();
  }

  close(): void {
    this.#isOver = true;
    this.#inbox?.destroy();
    for (const { channel } of this.#outgoing.values()) channel.destroy();
  }

  #send(message: PeerMessage, to: ProcessId): boolean | undefined {
    const outbox = this.#outgoingTo(this.#peerOf(to));
    outbox.owes = true;
    return outbox.channel.send(message);
  }

  #outgoingTo(peer: PeerId): Outbox {
    let outbox = this.#outgoing.get(peer);
    if (outbox === undefined) {
      const channel = this.#links.outbox<PeerMessage>(INBOX, peer, { borrowed: this.#parts.borrowed });
      channel.unref();
      outbox = { channel, owes: false };
      this.#outgoing.set(peer, outbox);
    } else if (outbox.owes && outbox.channel.queuedBytes === 0) outbox.owes = false;
    return outbox;
  }

  #arrived(letter: unknown): void {
    if (!this.#isPeerMessage(letter))
      return this.#parts.onBad(
        new TypeError('It has no sender that there is, or is no command or publication that it says to be.'),
      );
    const { from, body, command, topic } = letter;
    if (topic !== undefined) return this.#parts.onPublication(topic, body as Uint8Array);
    const source = this.#idOf(from);
    if (command) this.#parts.onCommand(source, command);
    else this.#parts.onMessage(source, body);
  }

  #isPeerMessage(value: unknown): value is PeerMessage {
    if (typeof value !== 'object' || value === null) return false;
    const { from, command, topic, body } = value as Record<string, unknown>;
    const isPeer =
      Number.isInteger(from) && (from as number) >= 0 && (from as number) <= masterPeer(this.#parts.topology);
    if (!isPeer) return false;
    if (topic !== undefined) return isTopic(topic) && body instanceof Uint8Array;
    return command === undefined || isCommandFrame(command);
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

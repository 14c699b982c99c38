import { Worker, type WorkerOptions } from 'node:worker_threads';
import type { TransportChannel } from '@millrace/channel';
import { Alarm, inTime } from '@millrace/channel/internal';
import { type InetAddress, NodePoller } from '@millrace/native';
import { threadOptions } from '@millrace/process-pool/internal';
import { findIn } from '@millrace/process-pool/links';
import type { TlsAcceptorOptions } from '@millrace/reactor';
import type { DoorbellListener } from '@millrace/shared-memory/internal';
import { bundledStart } from '../bundle/bundled-start.js';
import { REACTOR_THREAD } from '../constants.js';
import {
  asReactor,
  asSession,
  type ListenerIndex,
  type PeerId,
  type ReactorIndex,
  reactorOf,
  type SessionId,
  type WorkerId,
} from '../contract/ids.js';
import type { StatefulProtocol } from '../contract/protocol.js';
import type { Descriptors } from '../links/descriptor-names.js';
import * as packet from '../links/packet.js';
import { LINK, PEER, REACTOR } from '../links/server-plan.js';
import { OpenedResources } from '../links/shared-resources.js';
import { masterPeer, type Topology } from '../links/topology.js';
import { StickTable } from '../reactor/http/stick-table.js';
import type { OpenedSecure, OpenSecure, ReactorThreadData, ToThread } from '../reactor/reactor-context.js';
import { SessionGateway } from '../sessions/session-gateway.js';
import type { ProgramSocket, Reactors } from './reactors.js';

export interface ReactorThreadEvents {
  /** A connection is closed. */
  onGone: (session: SessionId) => void;
  onLog: (kind: string, text: string) => void;
  /** What a process sends makes no sense: nothing more is taken from it until `resetLinks`. */
  onCorrupt: (peer: PeerId, reactor: ReactorIndex, why: string) => void;
  /** A thread has ended without being told to: a defect of the server. */
  onCrash: (reactor: ReactorIndex, error: unknown) => void;
}

/** Milliseconds beyond its time after which a thread that has not ended is ended by force: a defect of the server. */
const TERMINATE_AFTER_MS = 1_000;

/**
 * MiB of young objects in a thread that blocks. It makes next to nothing for a message, and what it makes for a connection
 * stays: V8 would answer that with more room for young objects, up to 48 MiB, and keep it.
 */
const YOUNG_MB = 2;

/** What every reactor thread is told, but for its number and the shared resources. */
export type ThreadOptions = Omit<ReactorThreadData, 'index' | 'topology' | 'descriptors' | 'stickTable'> & {
  readonly dispatchModule: string | undefined;
};

const NOTHING = Buffer.alloc(0);

/** What a packet to all threads says beside its aux. */
interface About {
  readonly listener?: ListenerIndex;
  readonly session?: number;
  readonly body?: Buffer;
}

interface Thread {
  readonly worker: Worker;
  readonly channel: TransportChannel<packet.Packet>;
  readonly ended: Promise<void>;
}

interface Settling {
  left: number;
  readonly waiting: (() => void)[];
}

/** The master's side of its reactor threads. */
export class ReactorThreads implements Reactors {
  readonly gateway: SessionGateway;
  readonly #view: OpenedResources;
  readonly listener: DoorbellListener;
  readonly #threads: readonly Thread[];
  readonly #events: ReactorThreadEvents;
  readonly #out = new packet.Packet();
  readonly #stopAtExit = () => this.#broadcast(packet.STOP, 0);
  /** By peer: called for each thread that has reset its link. */
  readonly #resets = new Map<PeerId, () => void>();
  /** By peer: how many answers are to come that its clients have been told of its death, and who waits for them. */
  readonly #settling = new Map<PeerId, Settling>();
  /** By listener: called for each thread that has opened it. */
  readonly #opening = new Map<ListenerIndex, () => void>();
  /** Called for each thread that goes by the number of workers that it was told last. */
  #resized: () => void = () => {};
  #readyCount = 0;
  #allReady: () => void = () => {};
  #notReady: (error: unknown) => void = () => {};
  readonly #ready = new Promise<void>((resolve, reject) => {
    this.#allReady = resolve;
    this.#notReady = reject;
  });
  #stopping = false;

  constructor(
    topology: Topology,
    descriptors: Descriptors,
    options: ThreadOptions,
    events: ReactorThreadEvents,
  ) {
    this.#events = events;
    this.#view = new OpenedResources(topology, PEER, masterPeer(topology), findIn(descriptors));
    const poller = new NodePoller();
    this.listener = this.#view.listen(poller, events.onLog);
    const { workers, reactors } = topology;
    const stickTable = workers > 1 ? StickTable.memory(reactors, options.maxConnections) : undefined;
    this.#threads = Array.from({ length: topology.reactors }, (_, at) => {
      const index = asReactor(at);
      const limits = { hardLimit: Number.POSITIVE_INFINITY };
      const own = { codec: packet.packetCodec(), listener: this.listener, poller, channel: limits };
      const { channel } = this.#view.links.end<packet.Packet>(LINK, index, own);
      channel.on('message', (message) => this.#received(message));
      const { dispatchModule, ...rest } = options;
      return this.#start({ ...rest, stickTable, index, topology, descriptors }, dispatchModule, channel);
    });
    const counters = this.#view.counters();
    this.gateway = new SessionGateway({
      channels: this.#threads.map(({ channel }) => channel),
      fileSockets: this.#view.fileSockets(),
      table: this.#view.connections(),
      counters,
      tls: this.#view.tls(),
      ports: options.ports,
      own: counters.process(masterPeer(topology)),
      trace: this.#view.trace({ peer: masterPeer(topology) }),
    });
    // What waits for it is told of a failure; where nothing does, `onCrash` has been.
    this.#ready.catch(() => {});
    // A thread that sleeps in epoll would keep process.exit waiting for ever.
    process.once('exit', this.#stopAtExit);
  }

  ready(): Promise<void> {
    return this.#ready;
  }

  /** Hands an accepted connection to the reactor thread that its session id names. */
  accept(
    fd: number,
    session: SessionId,
    listener: ListenerIndex,
    { host, port: remotePort }: InetAddress,
  ): void {
    const { channel } = this.#threads[reactorOf(session, this.#threads.length)] as Thread;
    const address = Buffer.from(`${remotePort} ${host}`);
    channel.send(this.#out.set(packet.ACCEPTED, session, fd, listener).with(address));
  }

  /** Other certificates for the handshakes to come; not by a ring: keys stay in this process's own memory. */
  replaceTls(tls: readonly (TlsAcceptorOptions | undefined)[]): void {
    for (const { worker } of this.#threads)
      worker.postMessage({ type: 'replaceTls', tls } satisfies ToThread);
  }

  listen(): void {
    this.#broadcast(packet.LISTEN, 0);
  }

  openListener(listener: ListenerIndex, { fd, host }: ProgramSocket, protocol: StatefulProtocol): void {
    this.#broadcast(packet.OPEN_LISTENER, fd, { listener, body: Buffer.from(`${protocol} ${host}`) });
  }

  /** In Node's loop from now on, where a thread was not before: keys go by its port, which a thread that blocks does not read. */
  openSecureListener(
    listener: ListenerIndex,
    { fd, host }: ProgramSocket,
    tls: TlsAcceptorOptions,
  ): Promise<void> {
    return new Promise((resolve) => {
      let left = this.#threads.length;
      this.#opening.set(listener, () => {
        if (--left > 0) return;
        this.#opening.delete(listener);
        resolve();
      });
      const order: OpenSecure = { listener, socket: fd, host, tls };
      for (const { worker } of this.#threads)
        worker.postMessage({ type: 'openSecure', ...order } satisfies ToThread);
      this.#broadcast(packet.ENTER_LOOP, 0);
    });
  }

  closeListener(listener: ListenerIndex): void {
    this.#broadcast(packet.CLOSE_LISTENER, 0, { listener });
  }

  resetLinks(peer: PeerId): Promise<void> {
    return new Promise((resolve) => {
      let left = this.#threads.length;
      this.#resets.set(peer, () => {
        if (--left > 0) return;
        this.#resets.delete(peer);
        resolve();
      });
      this.#broadcast(packet.RESET, peer);
    });
  }

  workerDied(peer: PeerId): Promise<void> {
    return new Promise((resolve) => {
      const settling = this.#settling.get(peer) ?? { left: 0, waiting: [] };
      // Another of its processes may have died before: it is not known of which one a thread speaks.
      settling.left += this.#threads.length;
      settling.waiting.push(resolve);
      this.#settling.set(peer, settling);
      this.#broadcast(packet.WORKER_DIED, peer);
    });
  }

  #workerSettled(peer: PeerId): void {
    const settling = this.#settling.get(peer);
    if (settling === undefined || --settling.left > 0) return;
    this.#settling.delete(peer);
    for (const resolve of settling.waiting) resolve();
  }

  resize(workers: number): Promise<void> {
    return new Promise((resolve) => {
      let left = this.#threads.length;
      // One at a time: the manager waits for it before it asks for another one.
      this.#resized = () => {
        if (--left === 0) resolve();
      };
      this.#broadcast(packet.RESIZE, workers);
    });
  }

  workerGone(id: WorkerId, lost: boolean): void {
    this.#broadcast(packet.WORKER_GONE, id, { session: lost ? 1 : 0 });
  }

  workerReplaced(id: WorkerId): void {
    this.#broadcast(packet.WORKER_REPLACED, id);
  }

  quiesce(): void {
    this.#broadcast(packet.QUIESCE, 0);
  }

  async settled(timeoutMs: number, hurry: AbortSignal): Promise<void> {
    // Those that fail to come up have said so.
    const up = this.#ready.catch(() => {});
    if (!(await inTime(up, timeoutMs, { signal: hurry }))) await this.#end(0, hurry);
  }

  /** Ends the threads, too. */
  async stop(timeoutMs: number, hurry: AbortSignal): Promise<void> {
    await this.#end(timeoutMs, hurry);
    process.removeListener('exit', this.#stopAtExit);
    for (const { channel } of this.#threads) channel.destroy();
    this.listener.close();
  }

  async #end(timeoutMs: number, hurry: AbortSignal): Promise<void> {
    this.#stopping = true;
    const atOnce = () => this.#broadcast(packet.STOP, 0);
    hurry.addEventListener('abort', atOnce, { once: true });
    this.#broadcast(packet.STOP, hurry.aborted ? 0 : packet.toStopTime(timeoutMs));
    const late = new Alarm(timeoutMs + TERMINATE_AFTER_MS, () => {
      for (const { worker } of this.#threads) void worker.terminate();
    });
    await Promise.all(this.#threads.map(({ ended }) => ended));
    late.cancel();
    hurry.removeEventListener('abort', atOnce);
  }

  close(): void {
    this.#view.close();
  }

  #start(thread: ReactorThreadData, dispatchModule: string | undefined, channel: Thread['channel']): Thread {
    const worker = new Worker(REACTOR_THREAD, {
      workerData: { thread, dispatchModule },
      name: `reactor ${thread.index}`,
      // It closes descriptors that came from other processes. Node would warn of each that it has not opened itself.
      trackUnmanagedFds: false,
      ...loadingOptions(thread, dispatchModule),
      ...(!thread.topology.tls && { resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB } }),
    });
    worker.on('message', ({ listener }: OpenedSecure) => this.#opening.get(listener)?.());
    const ended = new Promise<void>((resolve) => {
      const crashed = (error: unknown) => {
        this.#notReady(error);
        this.#events.onCrash(thread.index, error);
      };
      worker.once('error', crashed);
      worker.once('exit', (code) => {
        if (!this.#stopping && code === 0) crashed(new Error('it ended by itself'));
        resolve();
      });
    });
    return { worker, channel, ended };
  }

  #broadcast(type: number, aux: number, about: About = {}): void {
    const { listener = 0, session = 0, body = NOTHING } = about;
    for (const [reactor, { channel }] of this.#threads.entries()) {
      if (channel.closed) continue;
      channel.send(this.#out.set(type, asSession(session), aux, listener).with(body));
      channel.flush();
      // A process that has died may have written over the word that says that the thread sleeps.
      this.#view.links.doorbell(REACTOR, reactor).poke();
    }
  }

  #received(message: packet.Packet): void {
    switch (message.type) {
      case packet.GONE:
        return this.#events.onGone(message.session);
      case packet.DRAINED:
        return this.gateway.settle(message.session, message.aux === 0);
      case packet.LOG: {
        const text = message.text();
        const tab = text.indexOf('\t');
        return this.#events.onLog(text.slice(0, tab), text.slice(tab + 1));
      }
      case packet.CORRUPT:
        return this.#events.onCorrupt(packet.peerIn(message), packet.reactorIn(message), message.text());
      case packet.RESET_DONE:
        return this.#resets.get(packet.peerIn(message))?.();
      case packet.RESIZED:
        return this.#resized();
      case packet.WORKER_SETTLED:
        return this.#workerSettled(packet.peerIn(message));
      case packet.READY:
        if (++this.#readyCount === this.#threads.length) this.#allReady();
    }
  }
}

/**
 * What Node loads first in a thread: by default what it was told for the process, and from where that is now, which may be
 * another directory, that of a daemon for one. A thread that runs nothing of the user's needs none of it.
 */
function loadingOptions(
  { ports }: ReactorThreadData,
  dispatchModule: string | undefined,
): Pick<WorkerOptions, 'execArgv' | 'env'> {
  const bundle = bundledStart() ?? [];
  const hasFunctions =
    dispatchModule !== undefined || ports.some(({ framing }) => framing.kind === 'function');
  if (hasFunctions) return { execArgv: [...threadOptions(), ...bundle] };
  const { NODE_OPTIONS: _, ...env } = process.env;
  return { execArgv: [...bundle], env };
}

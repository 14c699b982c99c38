import { check, syscalls } from '@millrace/native/syscalls';
import { findIn } from '@millrace/process-pool/links';
import type { Listener } from '@millrace/reactor';
import type { ListenAsked, ListenEnded, ListenTls, ToManager } from '../contract/control-messages.js';
import { type ListenerIndex, reactorOfWorker, type WorkerId } from '../contract/ids.js';
import type { ProgramTls } from '../contract/program-tls.js';
import type { StatefulProtocol } from '../contract/protocol.js';
import type { Descriptors } from '../links/descriptor-names.js';
import { FileSender } from '../links/file-link.js';
import { PEER } from '../links/server-plan.js';
import { OpenedResources } from '../links/shared-resources.js';
import { masterPeer, type Topology } from '../links/topology.js';
import type { RoleContext } from '../process/role-context.js';
import { ON_PATH } from '../shared/counters-layout.js';
import type { ListenerTls } from './listener-tls.js';
import { numberOf } from './listeners.js';
import { ProgramListeners } from './program-listeners.js';
import type { Reactors } from './reactors.js';

export interface ProgramPlacesParts {
  readonly context: RoleContext;
  readonly topology: Topology;
  readonly tls: ListenerTls;
  /** Undefined before there are any, and after the end. */
  readonly reactors: () => Reactors | undefined;
  readonly resources: () => Descriptors;
  /** Tells where it listens: a port, `ON_PATH`, or 0: nowhere. */
  readonly count: (listener: ListenerIndex, port: number) => void;
  readonly tellManager: (message: ToManager) => void;
  /** Clients of that socket are accepted from now on, where the master accepts. */
  readonly accept: (socket: Listener, listener: ListenerIndex) => void;
}

/** Where the programs of workers listen: what `listen` comes to in the master, up to the reactor threads. */
export class ProgramPlaces {
  readonly #parts: ProgramPlacesParts;
  readonly #listeners: ProgramListeners;
  #sender: FileSender | undefined;
  /** Those with TLS that the reactor threads are about to have: what is done with one waits for that. */
  readonly #opening = new Map<ListenerIndex, Promise<void>>();
  /** Everything has come up: clients of the first ones come when all is there. */
  #accepts = false;

  constructor(parts: ProgramPlacesParts) {
    const { context, topology, tls, reactors } = parts;
    this.#parts = parts;
    this.#listeners = new ProgramListeners({
      ports: context.ports,
      isOther: topology.isOther,
      open: (index, socket, protocol, secure) => this.#open(index, socket, protocol, secure),
      ...(topology.base
        ? {
            hand: (worker, socket) => this.#hand(worker, socket),
            handMore: (worker, pid, listener, socket) =>
              parts.tellManager({ type: 'alsoListen', worker, pid, listener, socket }),
          }
        : { secure: (index, said, worker) => this.#secure(index, said, worker) }),
      onInsecure: (reason) =>
        context.log.warn(`TLS of the program ends in its workers, for the master cannot end it: ${reason}`),
      close: (index) => {
        parts.count(index, 0);
        tls.forget(index);
        this.#after(index, () => reactors()?.closeListener(index));
      },
    });
  }

  listen(asked: ListenAsked): void {
    this.#parts.tellManager(this.#listeners.listen(asked));
    // A process finds sockets in the order in which it is told of them.
    this.#listeners.told(asked);
  }

  ended(message: ListenEnded): void {
    this.#listeners.ended(message);
  }

  /** A process of that worker has come up. */
  ready(worker: WorkerId, pid: number): void {
    this.#listeners.ready(worker, pid);
  }

  /** So many workers get clients from now on. */
  resized(workers: number): void {
    this.#listeners.resized(workers);
  }

  /** The server was scaled down by that worker. */
  gone(worker: WorkerId): void {
    this.#listeners.gone(worker);
  }

  /** The server of a program, or one that `serve` was given, has other keys and certificates. */
  changeTls(message: ListenTls): void {
    const { context } = this.#parts;
    const { listener, tls, worker } = message;
    try {
      if (context.ports[listener]?.tlsOfServer === true) this.#secure(listener, tls, worker);
      else this.#listeners.changeTls(message);
    } catch (error) {
      context.log.error(`${(error as Error).message} New clients get the certificates from before.`);
    }
  }

  /** Resolves when clients are accepted wherever a program listens by now, and from then on wherever one will. */
  async accept(): Promise<void> {
    while (this.#opening.size > 0) await Promise.all(this.#opening.values());
    this.#accepts = true;
    for (const { index, socket } of this.#listeners.all) this.#parts.accept(socket, index);
  }

  /** Closes all sockets; idempotent. `forAll`: workers accept by them, and are to do so no more. */
  close(forAll: boolean): void {
    this.#listeners.close(forAll);
  }

  #open(index: ListenerIndex, socket: Listener, protocol: StatefulProtocol, secure: boolean): void {
    const { context, count, reactors, tls } = this.#parts;
    count(index, socket.path === undefined ? numberOf(socket) : ON_PATH);
    context.log.info(`listening on ${socket.path ?? `${socket.address.host} ${socket.address.port}`}`);
    const host = socket.path === undefined ? socket.address.host : '';
    this.#after(index, () => {
      const options = secure ? tls.all[index] : undefined;
      if (options === undefined) {
        reactors()?.openListener(index, { fd: socket.fd, host }, protocol);
        return this.#acceptBy(socket, index);
      }
      // The threads make copies of it: it stays open until they have, whatever the program does.
      const copy = check(syscalls.duplicate(socket.fd), 'fcntl', `descriptor ${socket.fd}`);
      return reactors()
        ?.openSecureListener(index, { fd: copy, host }, options)
        .then(() => {
          syscalls.close(copy);
          this.#acceptBy(socket, index);
        });
    });
  }

  #acceptBy(socket: Listener, index: ListenerIndex): void {
    if (!this.#accepts) return;
    // The program may have closed it meanwhile.
    if (this.#listeners.all.some((each) => each.socket === socket)) this.#parts.accept(socket, index);
  }

  /** Does something with a listener: at once, or after what is under way there. */
  #after(index: ListenerIndex, action: () => Promise<void> | void): void {
    const before = this.#opening.get(index);
    const begun = before === undefined ? action() : before.then(action);
    if (begun === undefined) return;
    const settled = begun.then(() => {
      if (this.#opening.get(index) === settled) this.#opening.delete(index);
    });
    this.#opening.set(index, settled);
  }

  /** Clients of that listener that come from here on get these. */
  #secure(index: ListenerIndex, said: ProgramTls, worker: WorkerId): void {
    const { context, reactors, tls } = this.#parts;
    const isNew = tls.all[index] === undefined;
    if (!tls.say(index, said, worker) || isNew) return;
    const { all } = tls;
    this.#after(index, () => reactors()?.replaceTls(all));
    context.log.info('new clients get other certificates, by the server of the program');
  }

  /** In base mode workers accept by themselves. */
  #hand(worker: WorkerId, { fd }: Listener): string {
    const { topology, resources } = this.#parts;
    if (this.#sender === undefined) {
      const view = new OpenedResources(topology, PEER, masterPeer(topology), findIn(resources()));
      this.#sender = new FileSender(view.fileSockets());
    }
    const copy = check(syscalls.duplicate(fd), 'fcntl', `descriptor ${fd}`);
    return this.#sender.send(reactorOfWorker(worker), copy).toString('hex');
  }
}

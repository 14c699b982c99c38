import { createSocketPair, SOCK_STREAM, syscalls } from '@millrace/native/syscalls';
import { Connection, ConnectionKind, Reactor, type StreamConnection } from '@millrace/reactor';
import { DEADLINE_MS } from '@millrace/testkit';
import { onTestFinished } from 'vitest';
import { asListener, asReactor, asSession, asWorker } from '../../../src/contract/ids.js';
import type { Protocol } from '../../../src/contract/protocol.js';
import * as packet from '../../../src/links/packet.js';
import type { DispatchMode } from '../../../src/options/options.js';
import type { Client, ClientLink } from '../../../src/reactor/client.js';
import { ClientCommands } from '../../../src/reactor/client-commands.js';
import { HttpClient } from '../../../src/reactor/http/http-client.js';
import { HttpInput } from '../../../src/reactor/http/http-input.js';
import { KeptRequests } from '../../../src/reactor/http/kept-requests.js';
import { RequestDispatch } from '../../../src/reactor/http/request-dispatch.js';
import { Retirements } from '../../../src/reactor/http/retirements.js';
import { StickTable } from '../../../src/reactor/http/stick-table.js';
import { WorkerDeaths } from '../../../src/reactor/http/worker-deaths.js';
import { ListenerCounts } from '../../../src/reactor/listener-counts.js';
import type { ReactorContext } from '../../../src/reactor/reactor-context.js';
import * as layout from '../../../src/shared/connection-layout.js';
import { ConnectionSlot, ConnectionTable } from '../../../src/shared/connection-table.js';
import * as counters from '../../../src/shared/counters-layout.js';
import { SessionTrace } from '../../../src/shared/session-trace.js';
import { TRACE_BYTES } from '../../../src/shared/trace-layout.js';

const WORKER = asWorker(0);
const LISTENER = asListener(0);
export const SESSION = asSession(1);

interface HttpReactorOptions {
  readonly protocol?: Protocol;
  readonly maxWaitTime?: number;
  readonly retry?: boolean;
  readonly workers?: number;
  readonly mode?: DispatchMode;
  readonly key?: string;
}

function dispatching(workers: number, dispatchMode: DispatchMode, dispatchKey: string | undefined) {
  const stickTable = workers > 1 ? StickTable.memory(1, 1) : undefined;
  return { dispatchMode, dispatchKey, stickTable, index: 0, topology: { reactors: 1 } };
}

/** What a reactor thread does with one HTTP client, whose other side is a socket of the test's; the worker is the test. */
export class HttpReactor {
  readonly client: HttpClient;
  /** What the worker has been sent. */
  readonly pieces: { text: string; request: number; begins: boolean; ends: boolean }[] = [];
  /** What workers have been told besides, by type. */
  readonly notes: number[] = [];
  /** By piece, which one got it. */
  readonly takers: number[] = [];
  readonly memory = { use: { bytes: 0 }, hasRoom: true };
  readonly workers: readonly ClientLink[];
  readonly lines: string[] = [];
  readonly counts = new Map<number, number>();
  readonly table = new ConnectionTable(new ArrayBuffer(ConnectionTable.bytes(1)), 1);
  readonly deaths: WorkerDeaths;
  readonly worker: ClientLink;
  /** The client has ended. */
  ended = 0;
  closed: string | undefined;
  readonly #reactor = new Reactor({ mode: 'blocking' });
  readonly #commands: ClientCommands;
  readonly #peer: number;
  readonly #read = Buffer.alloc(1 << 16);
  /** The client's side is open. */
  #isOpen = true;
  /** What it has been sent, and whether that has an end. */
  received = '';
  over = false;

  constructor({
    protocol = 'http',
    maxWaitTime = 1_000_000,
    retry = false,
    workers = 1,
    mode = 'fixed',
    key,
  }: HttpReactorOptions = {}) {
    const reactor = this.#reactor;
    onTestFinished(() => reactor.close());
    const slot = new ConnectionSlot(this.table).take({
      ...{ state: layout.OPEN, listener: LISTENER, reactor: asReactor(0), worker: WORKER, uid: 0, flags: 0 },
      ...{ reason: 0, tlsCell: 0, remotePort: 0, session: SESSION, connectTime: 1, host: '' },
    });
    const channel = { send: (message: packet.Packet) => this.notes.push(message.type) };
    this.workers = Array.from({ length: workers }, (_, index) => {
      const link = {
        slot,
        worker: asWorker(index),
        peer: asWorker(index),
        writable: true,
        underWay: 0,
        isStuck: false,
        line: { empty: true, admits: () => false },
        channel,
      };
      return { ...link, forget: () => {} } as unknown as ClientLink;
    });
    this.worker = this.workers[0] as ClientLink;
    const place = {
      session: SESSION,
      listener: LISTENER,
      owner: this.worker,
      slot: this.table.slot(SESSION),
    };
    this.client = new HttpClient(place, protocol);
    if (retry) this.client.kept = new KeptRequests(this.memory);
    const clients = new Map<number, Client>([[SESSION, this.client]]);
    const context = {
      ...{ reactor, table: this.table, channels: [], asides: [], out: new packet.Packet(), now: () => 1 },
      workers: this.workers,
      clients: { get: (id: number) => clients.get(id), all: () => [...clients.values()] },
      data: { reservedDescriptors: 0, maxWaitTime, ...dispatching(workers, mode, key) },
      memory: this.memory,
      port: () => ({ socketBufferSize: 1 << 20 }),
      count: (counter: number, by: number) => this.counts.set(counter, (this.counts.get(counter) ?? 0) + by),
      trace: new SessionTrace(new ArrayBuffer(TRACE_BYTES), 0),
      traffic: new ListenerCounts({ add: () => {} }),
      log: (_: string, text: string) => this.lines.push(text),
      dispatcher: {
        workers: this.workers,
        hasShareOfOwner: () => true,
        readyForOwner: () => true,
        isBinding: false,
        send: (_: Client, { worker }: ClientLink, message: packet.Packet) => this.#sent(message, worker),
      },
    } as unknown as ReactorContext;
    this.deaths = new WorkerDeaths(context);
    const requests = new RequestDispatch(context);
    this.#commands = new ClientCommands(context, this.deaths, new Retirements(context), requests);
    const input = new HttpInput(
      context,
      requests,
      {
        onFrame: () => {},
        onInputEnd: () => this.ended++,
        onClose: (_, reason) => {
          clients.delete(SESSION);
          this.closed = reason;
        },
      },
      (client) => this.deaths.lost(client),
    );
    const [left, right] = createSocketPair(SOCK_STREAM);
    this.#peer = right;
    onTestFinished(() => this.leave());
    const kind = new ConnectionKind<Client>(reactor, { framer: input.framer, handlers: input.handlers });
    this.client.connection = new Connection(reactor, left, kind, this.client) as StreamConnection<Client>;
  }

  #sent({ aux, body, start, end }: packet.Packet, worker: number): void {
    this.takers.push(worker);
    this.pieces.push({
      text: (body as Buffer).toString('latin1', start, end),
      request: packet.requestIn(aux),
      begins: (aux & packet.PIECE_BEGINS) !== 0,
      ends: (aux & packet.PIECE_ENDS) !== 0,
    });
  }

  /** What the worker has been sent, as one text. */
  get text(): string {
    return this.pieces.map(({ text }) => text).join('');
  }

  /** The client sends. */
  send(text: string): this {
    syscalls.send(this.#peer, Buffer.from(text, 'latin1'), 0, text.length);
    return this.turn();
  }

  /** The client ends its sending. */
  end(): this {
    syscalls.shutdown(this.#peer, 1);
    return this.turn();
  }

  leave(): void {
    if (this.#isOpen) syscalls.close(this.#peer);
    this.#isOpen = false;
  }

  turn(): this {
    for (let i = 0; i < 4; i++) this.#reactor.turn(0);
    for (;;) {
      const count = this.#isOpen ? syscalls.receive(this.#peer, this.#read, 0, this.#read.length) : -1;
      if (count === 0) this.over = true;
      if (count <= 0) return this;
      this.received += this.#read.toString('latin1', 0, count);
    }
  }

  turnUntil(what: string, done: () => boolean): this {
    const until = performance.now() + DEADLINE_MS;
    while (!done()) {
      if (performance.now() > until) throw new Error(`not within ${DEADLINE_MS} ms: ${what}`);
      this.#reactor.turn(10);
      this.turn();
    }
    return this;
  }

  /** The worker tells the reactor thread something of the client. */
  tell(type: number, aux = 0, text = '', from = this.client.link.peer): this {
    this.#commands.take(new packet.Packet().set(type, SESSION, aux).with(Buffer.from(text, 'latin1')), from);
    return this;
  }

  /** The worker sends `text`, with which so many answers end and perhaps another one begins. */
  answer(text: string, ended = 1, begun = false): this {
    return this.tell(packet.SEND, packet.responseAux(ended, begun), text).turn();
  }

  /** The worker says that it has taken request `request`. */
  take(request: number, inside = false): this {
    this.table.setProgress(SESSION, inside ? request | layout.PROGRESS_INSIDE : request);
    return this;
  }

  /** The worker that has the client dies. */
  die(worker = this.client.link): this {
    this.#commands.flush();
    this.deaths.died(worker);
    return this.turn();
  }

  get isClosing(): boolean {
    return this.table.closing(SESSION);
  }

  /** How many clients were told what; by the counter's name. */
  get told(): Record<string, number> {
    const { ENDED_502, ENDED_503, ENDED_BY_CLOSE, ENDED_BY_RESET, ENDED_BY_RESTART } = counters;
    const names = { ENDED_502, ENDED_503, ENDED_BY_CLOSE, ENDED_BY_RESET, ENDED_BY_RESTART };
    return Object.fromEntries(
      Object.entries(names).flatMap(([name, counter]) =>
        this.counts.has(counter) ? [[name, this.counts.get(counter) as number]] : [],
      ),
    );
  }
}

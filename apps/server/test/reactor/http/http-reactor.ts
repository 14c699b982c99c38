import { createSocketPair, SOCK_STREAM, syscalls } from '@millrace/native/syscalls';
import { Connection, ConnectionKind, Reactor, type StreamConnection } from '@millrace/reactor';
import { DEADLINE_MS } from '@millrace/testkit';
import { onTestFinished } from 'vitest';
import { asListener, asReactor, asSession, asWorker } from '../../../src/contract/ids.js';
import type { Protocol } from '../../../src/contract/protocol.js';
import * as packet from '../../../src/links/packet.js';
import type { Client, ClientLink } from '../../../src/reactor/client.js';
import { ClientCommands } from '../../../src/reactor/client-commands.js';
import { HttpClient } from '../../../src/reactor/http/http-client.js';
import { HttpInput } from '../../../src/reactor/http/http-input.js';
import { Retirements } from '../../../src/reactor/http/retirements.js';
import { WorkerDeaths } from '../../../src/reactor/http/worker-deaths.js';
import type { ReactorContext } from '../../../src/reactor/reactor-context.js';
import * as layout from '../../../src/shared/connection-layout.js';
import { ConnectionSlot, ConnectionTable } from '../../../src/shared/connection-table.js';
import * as counters from '../../../src/shared/counters-layout.js';

const WORKER = asWorker(0);
const LISTENER = asListener(0);
export const SESSION = asSession(1);

/** What a reactor thread does with one HTTP client, whose other side is a socket of the test's; the worker is the test. */
export class HttpReactor {
  readonly client: HttpClient;
  /** What the worker has been sent. */
  readonly pieces: { text: string; request: number; begins: boolean; ends: boolean }[] = [];
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
  }: { protocol?: Protocol; maxWaitTime?: number } = {}) {
    const reactor = this.#reactor;
    onTestFinished(() => reactor.close());
    const slot = new ConnectionSlot(this.table).take({
      ...{ state: layout.OPEN, listener: LISTENER, reactor: asReactor(0), worker: WORKER, uid: 0, flags: 0 },
      ...{ reason: 0, tlsCell: 0, remotePort: 0, session: SESSION, connectTime: 1, host: '' },
    });
    this.worker = { slot, worker: WORKER, peer: WORKER } as unknown as ClientLink;
    const place = {
      session: SESSION,
      listener: LISTENER,
      owner: this.worker,
      slot: this.table.slot(SESSION),
    };
    this.client = new HttpClient(place, protocol);
    const clients = new Map<number, Client>([[SESSION, this.client]]);
    const context = {
      ...{ reactor, table: this.table, channels: [], asides: [], out: new packet.Packet(), now: () => 1 },
      clients: { get: (id: number) => clients.get(id), all: () => [...clients.values()] },
      data: { reservedDescriptors: 0, maxWaitTime },
      port: () => ({ socketBufferSize: 1 << 20 }),
      count: (counter: number, by: number) => this.counts.set(counter, (this.counts.get(counter) ?? 0) + by),
      log: (_: string, text: string) => this.lines.push(text),
      dispatcher: {
        hasShareOfOwner: () => true,
        readyForOwner: () => true,
        send: (_: Client, _worker: ClientLink, message: packet.Packet) => this.#sent(message),
      },
    } as unknown as ReactorContext;
    this.deaths = new WorkerDeaths(context);
    this.#commands = new ClientCommands(context, this.deaths, new Retirements(context));
    const input = new HttpInput(context, {
      onFrame: () => {},
      onInputEnd: () => this.ended++,
      onClose: (_, reason) => {
        clients.delete(SESSION);
        this.closed = reason;
      },
    });
    const [left, right] = createSocketPair(SOCK_STREAM);
    this.#peer = right;
    onTestFinished(() => this.leave());
    const kind = new ConnectionKind<Client>(reactor, { framer: input.framer, handlers: input.handlers });
    this.client.connection = new Connection(reactor, left, kind, this.client) as StreamConnection<Client>;
  }

  #sent({ aux, body, start, end }: packet.Packet): void {
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
  tell(type: number, aux = 0, text = ''): this {
    this.#commands.take(
      new packet.Packet().set(type, SESSION, aux).with(Buffer.from(text, 'latin1')),
      WORKER,
    );
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

  /** The worker dies. */
  die(): this {
    this.#commands.flush();
    this.deaths.died(this.worker);
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

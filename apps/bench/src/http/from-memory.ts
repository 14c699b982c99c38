/**
 * An unchanged program whose clients are in its own process: what node:http and the program take for a request, no socket and no
 * kernel being there. Prints one line of JSON.
 *
 *     node from-memory.js FILE WORK     (WORK: JSON, see MemoryWork)
 */
import { Server } from 'node:net';
import { Duplex } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { HttpConversation, WebSocketConversation } from './conversation.js';
import { WARM_UP_MS } from './work.js';

export interface MemoryWork {
  readonly connections: number;
  readonly windowMs: number;
  readonly kind: 'http' | 'ws';
}

const [file, json] = process.argv.slice(2) as [string, string];
const { connections, windowMs, kind } = JSON.parse(json) as MemoryWork;

let answers = 0;
/** Those whose turn it is, in the next turn of the loop: as many are ready at once as with a socket each. */
let ready: Client[] = [];

/** What node:http takes for a socket. */
class Client extends Duplex {
  readonly #conversation;

  constructor(seed: number) {
    super();
    this.#conversation = kind === 'ws' ? new WebSocketConversation(seed) : new HttpConversation();
    ready.push(this);
  }

  ask(): void {
    this.push(this.#conversation.next());
  }

  override _read(): void {}

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: () => void): void {
    const heard = this.#conversation.received(bytes, 0, bytes.length);
    done();
    if (heard === 'more') return;
    if (heard === 'answered') answers++;
    ready.push(this);
  }

  override _writev(chunks: readonly { readonly chunk: Buffer }[], done: () => void): void {
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), 'binary', done);
  }

  // As of net.Socket.
  setTimeout(): this {
    return this;
  }

  setNoDelay(): this {
    return this;
  }
}

function turn(): void {
  const asking = ready;
  ready = [];
  for (const client of asking) client.ask();
  setImmediate(turn);
}

const listening = new Promise<Server>((resolve) => {
  Server.prototype.listen = function (this: Server): Server {
    process.nextTick(() => this.emit('listening'));
    resolve(this);
    return this;
  };
  Server.prototype.address = () => ({ address: '127.0.0.1', family: 'IPv4', port: 1 });
});

await import(pathToFileURL(file).href);
const server = await listening;
for (let i = 0; i < connections; i++) server.emit('connection', new Client(i));
turn();

setTimeout(() => {
  const before = process.cpuUsage();
  const start = performance.now();
  answers = 0;
  setTimeout(() => {
    const { user, system } = process.cpuUsage(before);
    const ms = performance.now() - start;
    if (answers === 0) throw new Error('No request was answered.');
    console.log(JSON.stringify({ rate: (answers * 1_000) / ms, cpu: (user + system) / answers }));
    process.exit();
  }, windowMs);
}, WARM_UP_MS);

import type { Server, Socket } from 'node:net';

/** Milliseconds that an answer takes at most where those of a turn are held: clients of a program that computes for longer would wait for each other's. */
const QUICK_MS = 0.25;
/** Of so many answers of a turn one looks at the clock. */
const LOOK_EVERY = 8;
/**
 * So many answers are held at most. A turn may have a thousand: what their requests have left would outlive the collections of what is young,
 * and be out of the processor's caches when it is sent.
 */
const MOST_HELD = 32;

type Done = (error?: Error | null) => void;
type Chunks = readonly { readonly chunk: string | Uint8Array }[];

/** What `net.Socket` has beyond its types. */
interface WritingSocket extends Socket {
  _writeGeneric(writev: boolean, data: unknown, encoding: string, done: Done): void;
  /** What is not written yet, by which `bytesWritten` counts it. */
  _pendingData: string | Uint8Array | Chunks | null;
  _pendingEncoding: string;
  /** Of node:http: null once the connection was upgraded, undefined where it never spoke HTTP. */
  readonly parser?: object | null;
}

interface Held {
  readonly socket: WritingSocket;
  readonly writev: boolean;
  readonly data: unknown;
  readonly encoding: string;
  readonly done: Done;
}

/** What the servers of this process hold, and what they have said in this turn. */
const held: Held[] = [];
let sent = 0;
let answers = 0;
let since = 0;
/** In the last turn that had several answers, each took its time. */
let isSlow = false;
let isFlushing = false;
let isInstalled = false;

/**
 * Has the connections of a server send what they answer in one turn of the loop together, at its end. One after the other the kernel does that
 * with less than between the handlers of requests, and a client on the same machine is woken once, not by each of its answers. Returns
 * what has connections to come send at once.
 */
export function writeLate(server: Server): () => void {
  // A program may answer and exit.
  if (!isInstalled) process.on('exit', flush);
  isInstalled = true;
  server.prependListener('connection', holdWritesOf);
  // Of https and tls: the connection is below it.
  server.prependListener('secureConnection', holdWritesOf);
  return () => {
    server.off('connection', holdWritesOf);
    server.off('secureConnection', holdWritesOf);
  };
}

function holdWritesOf(socket: Socket): void {
  const { _destroy: destroy } = socket;
  const own: Pick<WritingSocket, '_writeGeneric' | '_destroy'> = {
    _writeGeneric: writeSoon,
    // What was written before would be in the kernel.
    _destroy(this: Socket, error, done) {
      flush();
      destroy.call(this, error, done);
    },
  };
  Object.assign(socket, own);
}

function writeSoon(this: WritingSocket, writev: boolean, data: unknown, encoding: string, done: Done): void {
  // A WebSocket says by what is not written, in the middle of a turn too, how far behind its client is.
  if (isFlushing || this.parser === null) return write(this, writev, data, encoding, done);
  answers++;
  if (answers === 1) {
    since = performance.now();
    setImmediate(endTurn);
  } else if (answers % LOOK_EVERY === 0) look();
  if (isSlow) return write(this, writev, data, encoding, done);
  this._pendingData = data as WritingSocket['_pendingData'];
  this._pendingEncoding = encoding;
  held.push({ socket: this, writev, data, encoding, done });
  if (held.length >= MOST_HELD) flush();
}

/** Holds nothing while each answer takes its time. */
function look(): void {
  isSlow = performance.now() - since > answers * QUICK_MS;
  if (isSlow) flush();
}

function endTurn(): void {
  // One answer waits for no other.
  if (answers > 1) look();
  answers = 0;
  flush();
}

function write(socket: WritingSocket, writev: boolean, data: unknown, encoding: string, done: Done): void {
  const { _writeGeneric: native } = Object.getPrototypeOf(socket) as WritingSocket;
  native.call(socket, writev, data, encoding, done);
}

/** What is written meanwhile, by those that have waited for these, goes at once. One of them may end another, whose answer goes first then. */
function flush(): void {
  const isWithin = isFlushing;
  isFlushing = true;
  while (sent < held.length) {
    const { socket, writev, data, encoding, done } = held[sent++] as Held;
    try {
      write(socket, writev, data, encoding, done);
    } catch (error) {
      // Of what the program does then, as if it had happened alone.
      process.nextTick(() => {
        throw error;
      });
    }
  }
  held.length = sent = 0;
  isFlushing = isWithin;
}

import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Packr } from 'msgpackr';
import { loadPeer } from '../peers.js';
import type { Kind, Mechanism, Message, Side } from './side.js';

/** What is used of zeromq's socket. */
interface Pair extends AsyncIterable<readonly (Buffer | undefined)[]> {
  bind(address: string): Promise<void>;
  connect(address: string): void;
  send(message: Uint8Array): Promise<void>;
  close(): void;
}

const VARIABLE = 'MILLRACE_BENCH_ZEROMQ';
/** Messages that wait for the one send that may be under way. */
const UNDER_WAY = 1_000;

function sideOf(socket: Pair, kind: Kind): Side {
  const packr = new Packr();
  let waiting: Message[] = [];
  let sending: Promise<void> | undefined;
  const sendAll = async () => {
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      for (const message of batch)
        await socket.send(message instanceof Uint8Array ? message : packr.pack(message));
    }
    sending = undefined;
  };
  return {
    send(message) {
      waiting.push(message);
      sending ??= sendAll();
      return waiting.length < UNDER_WAY;
    },
    async drained() {
      await sending;
    },
    onMessage(listener) {
      void (async () => {
        for await (const [body] of socket) {
          if (body !== undefined) listener(kind === 'bytes' ? body : (packr.unpack(body) as Message));
        }
      })();
    },
    close: () => socket.close(),
  };
}

/** Loaded here and not above: where its binary does not fit the machine, the other rows are measured all the same. */
function pair(): Pair {
  const { Pair } = loadPeer<{ readonly Pair: new () => Pair }>('zeromq');
  return new Pair();
}

export const zeromq: Mechanism = {
  async start(peer, args, { kind }) {
    const path = join(tmpdir(), `millrace-bench-${process.pid}.zmq`);
    process.once('exit', () => rmSync(path, { force: true }));
    const socket = pair();
    await socket.bind(`ipc://${path}`);
    spawn(process.execPath, [fileURLToPath(peer), ...args], {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, [VARIABLE]: path },
    });
    return sideOf(socket, kind);
  },
  async open({ kind }) {
    const socket = pair();
    socket.connect(`ipc://${process.env[VARIABLE]}`);
    return sideOf(socket, kind);
  },
};

import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';

export interface SocketsOptions {
  readonly port: number;
  /** Of a server that sends each message back (`programs/ws.js`). Default: `/plain`. */
  readonly path?: string;
  readonly sockets: number;
  /** Whether the answer has the number of the message behind it, from 1 (`programs/ws-resume.js`). */
  readonly counted?: boolean;
  readonly signal: AbortSignal;
  /** Between two messages of one socket. Default: 50 ms. */
  readonly everyMs?: number;
  /** How long the last answers are waited for. Default: 10 s. */
  readonly timeoutMs?: number;
}

/** What became of sockets and of their messages. */
export interface SocketCounts {
  opened: number;
  sent: number;
  /** Came back once, in their order. */
  ok: number;
  /** Of sockets that stayed open. */
  lost: number;
  /** Sent to a socket that was closed before they came back. */
  cutOff: number;
  doubled: number;
  /** Neither the awaited number nor one that had come. */
  wrong: number;
  /** By their close code. */
  closed: Record<number, number>;
}

export function noSocketCounts(): SocketCounts {
  return { opened: 0, sent: 0, ok: 0, lost: 0, cutOff: 0, doubled: 0, wrong: 0, closed: {} };
}

/** WebSockets that number their messages, and check that each comes back once, in its order. */
export async function runSockets(options: SocketsOptions, counts = noSocketCounts()): Promise<SocketCounts> {
  const { sockets, signal, port, path = '/plain', everyMs = 50, timeoutMs = 10_000 } = options;
  const { counted = false } = options;
  const stopped = new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  const one = async (name: number): Promise<void> => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`);
    let [sent, next, isOver] = [0, 0, false];
    socket.on('error', () => {});
    socket.on('message', (data) => {
      const [, number, count] = data.toString().split(' ').map(Number) as [number, number, number?];
      const answer = `${name} ${number}${counted ? ` ${count}` : ''}`;
      if (data.toString() !== answer || number >= sent) counts.wrong++;
      // What the processes have counted of it, one after the other.
      else if (counted && count !== number + 1) counts.wrong++;
      else if (number < next) counts.doubled++;
      else {
        counts.lost += number - next;
        counts.ok++;
        next = number + 1;
      }
    });
    let timer: NodeJS.Timeout | undefined;
    socket.once('open', () => {
      counts.opened++;
      timer = setInterval(() => {
        if (socket.readyState !== WebSocket.OPEN) return;
        socket.send(`${name} ${sent++}`);
        counts.sent++;
      }, everyMs);
    });
    const closed = new Promise<void>((resolve) => {
      socket.once('close', (code) => {
        counts.closed[code] = (counts.closed[code] ?? 0) + 1;
        isOver = true;
        resolve();
      });
    });
    await Promise.race([closed, stopped]);
    clearInterval(timer);
    const deadline = performance.now() + timeoutMs;
    while (!isOver && next < sent && performance.now() < deadline) await sleep(5);
    counts[isOver ? 'cutOff' : 'lost'] += sent - next;
    socket.removeAllListeners('close');
    socket.terminate();
  };
  await Promise.all(Array.from({ length: sockets }, (_, name) => one(name)));
  return counts;
}

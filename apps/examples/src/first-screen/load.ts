import { connect, type Socket } from 'node:net';

const REQUEST = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n';
const HEAD_END = '\r\n\r\n';

/** What clients have seen in a while. */
export class Sight {
  answers = 0;
  /** Answers 502. */
  badGateway = 0;
  /** Connections that ended without saying so before, and answers that are neither. */
  lost = 0;
  /** The processes that have answered. */
  readonly pids = new Set<number>();
}

/** Clients that have one request under way each, on connections that they keep. */
export class Load {
  sight = new Sight();
  readonly #port: number;
  readonly #sockets = new Set<Socket>();
  #stopped = false;

  constructor(port: number, connections: number) {
    this.#port = port;
    for (let i = 0; i < connections; i++) this.#open();
  }

  stop(): void {
    this.#stopped = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  #open(): void {
    const socket = connect(this.#port, '127.0.0.1', () => socket.write(REQUEST));
    this.#sockets.add(socket);
    let text = '';
    let isAnnounced = false;
    socket.setEncoding('latin1').on('data', (more: string) => {
      text += more;
      if (!isWhole(text)) return;
      isAnnounced = this.#answered(text);
      text = '';
      if (!isAnnounced) socket.write(REQUEST);
    });
    // A reset is a close, which is what counts.
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#sockets.delete(socket);
      if (this.#stopped) return;
      if (!isAnnounced) this.sight.lost++;
      this.#open();
    });
  }

  /** Returns whether the server has said that it closes the connection. */
  #answered(text: string): boolean {
    const { sight } = this;
    const pid = /Hello from process (\d+)\n$/.exec(text)?.[1];
    if (text.startsWith('HTTP/1.1 200 ') && pid !== undefined) {
      sight.answers++;
      sight.pids.add(Number(pid));
    } else if (text.startsWith('HTTP/1.1 502 ')) sight.badGateway++;
    else sight.lost++;
    return /\r\nconnection: close\r\n/i.test(text);
  }
}

function isWhole(text: string): boolean {
  const head = text.indexOf(HEAD_END);
  const length = /\r\ncontent-length: (\d+)\r\n/i.exec(text)?.[1];
  return head >= 0 && length !== undefined && text.length >= head + HEAD_END.length + Number(length);
}

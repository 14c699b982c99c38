import type { Socket } from 'node:net';

/** Clients of a kind that costs a server much, in words and in numbers. */
export interface Nuisance {
  readonly says: string;
  readonly connections: number;
  /** Makes one of a connection, and calls `ready` once it is what it is to be. */
  readonly become: (socket: Socket, ready: () => void) => void;
}

const HEAD = 'Host: localhost\r\n';
const SLOW_MS = 250;
const UPLOAD = 1 << 20;
const READ_MS = 50;
const READ_BYTES = (2 ** 20 * READ_MS) / 1_000;

export const NUISANCES = {
  heads: {
    says: '1,000 clients whose heads never end',
    connections: 1_000,
    become: (socket, ready) => {
      socket.write(`GET / HTTP/1.1\r\n${HEAD}`);
      setInterval(() => socket.write('X-Slow: 1\r\n'), SLOW_MS);
      ready();
    },
  },
  idle: {
    says: '10,000 idle connections that are kept',
    connections: 10_000,
    become: (socket, ready) => {
      socket.write(`GET / HTTP/1.1\r\n${HEAD}\r\n`);
      socket.once('data', ready);
    },
  },
  unread: {
    says: '1 client that does not read an answer of 100 MiB',
    connections: 1,
    become: (socket, ready) => {
      socket.write(`GET /large HTTP/1.1\r\n${HEAD}\r\n`);
      socket.once('data', () => {
        socket.pause();
        ready();
      });
    },
  },
  unreadByMany: {
    says: '20 clients that do not read such an answer',
    connections: 20,
    become: (socket, ready) => {
      NUISANCES.unread.become(socket, ready);
    },
  },
  readSlowly: {
    says: '20 clients that read such an answer at 1 MiB a second',
    connections: 20,
    become: (socket, ready) => {
      socket.write(`GET /large HTTP/1.1\r\n${HEAD}\r\n`);
      let left = 0;
      const read = () => {
        while (left > 0) {
          const piece: Buffer | null = socket.read();
          if (piece === null) return;
          left -= piece.length;
        }
      };
      socket.once('readable', ready).on('readable', read);
      setInterval(() => {
        left = Math.min(left, 0) + READ_BYTES;
        read();
      }, READ_MS);
    },
  },
  uploads: {
    says: '100 uploads of 1 MiB that stop half-way',
    connections: 100,
    become: (socket, ready) => {
      socket.write(`POST / HTTP/1.1\r\n${HEAD}Content-Length: ${UPLOAD}\r\n\r\n`);
      socket.write(Buffer.alloc(UPLOAD / 2, 'u'), () => ready());
    },
  },
} as const satisfies Readonly<Record<string, Nuisance>>;

export type NuisanceName = keyof typeof NUISANCES;

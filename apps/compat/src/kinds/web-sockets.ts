import { createHash } from 'node:crypto';
import { until, within } from '@millrace/testkit';
import { WebSocket } from 'ws';
import { Exchange, exchange, request, steady } from '../wire/exchange.js';
import { pattern } from './http-streams.js';
import type { Kind, Site } from './kind.js';

const OPENING = {
  Connection: 'Upgrade',
  Upgrade: 'websocket',
  'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Version': '13',
};

/** Of messages. It takes long to compress one. */
const LARGEST = { '/plain': 20 << 20, '/compressed': 2 << 20 } as const;

/** What a WebSocket server must do as before: by the client of ws, and by frames as bytes. */
export const WEB_SOCKETS: readonly Kind[] = [
  ...(['/plain', '/compressed'] as const).map(
    (path): Kind => ({
      says: `sends messages from 0 B to ${LARGEST[path] >> 20} MB back, and a text (${path.slice(1)})`,
      run: (site) =>
        withSocket(site, path, async (socket, next) => {
          const seen: string[] = [`extensions: ${socket.extensions}`];
          for (const size of [0, 1, 125, 126, 65_535, 65_536, 1 << 20, LARGEST[path]]) {
            socket.send(pattern(size));
            seen.push(digest(await next()));
          }
          socket.send('text: é');
          seen.push(digest(await next()));
          return seen;
        }),
      shows: new RegExp(`${LARGEST[path]} bytes`),
    }),
  ),
  {
    says: 'sends 1,000 messages back in their order',
    run: (site) =>
      withSocket(site, '/plain', async (socket, next) => {
        for (let at = 0; at < 1000; at++) socket.send(`message ${at}`);
        const hash = createHash('sha256');
        let wrong = 0;
        for (let at = 0; at < 1000; at++) {
          const message = (await next()).toString();
          if (message !== `text message ${at}`) wrong++;
          hash.update(message);
        }
        return { wrong, sha256: hash.digest('hex') };
      }),
    shows: /"wrong":0/,
  },
  {
    says: 'serves 50 sockets at once',
    run: (site) =>
      Promise.all(
        Array.from({ length: 50 }, (_, at) =>
          withSocket(site, '/plain', async (socket, next) => {
            socket.send(`socket ${at}`);
            return (await next()).toString();
          }),
        ),
      ),
    shows: /socket 49/,
  },
  {
    says: 'answers a ping, and asks for a pong',
    run: (site) =>
      withSocket(site, '/plain', async (socket, next) => {
        const pong = new Promise((resolve) => socket.once('pong', (data) => resolve(data.toString())));
        socket.ping('a ping');
        const first = await within('a pong', pong);
        socket.send('ping me');
        return [first, (await next()).toString()];
      }),
    shows: /a ping.*pong: are you there/,
  },
  {
    says: 'closes by the code of either side',
    run: async (site) => {
      const byServer = await withSocket(site, '/plain', async (socket) => {
        socket.send('bye');
        return closing(socket);
      });
      const printed = site.served.listen();
      const byClient = await withSocket(site, '/plain', async (socket) => {
        const port = localPort(socket);
        socket.close(4001, 'by the client');
        return [await closing(socket), (await printed(new RegExp(`${port} (closed .*)`)))[1]];
      });
      return [byServer, byClient];
    },
    shows: /4000 as asked.*4001 by the client/,
  },
  {
    says: 'notices a socket that is torn off',
    run: async (site) => {
      const printed = site.served.listen();
      const port = await withSocket(site, '/plain', localPort);
      return (await printed(new RegExp(`${port} (closed .*)`)))[1];
    },
    shows: /closed 1006/,
  },
  {
    says: 'tells the truth about what is buffered for a client that does not read',
    run: (site) => {
      const printed = site.served.listen();
      return withSocket(site, '/plain', async (socket, next) => {
        socket.pause();
        socket.send('large');
        const buffered = (await printed(/large: \w+ is buffered/))[0];
        socket.resume();
        return [buffered, digest(await next()), (await printed(/large: sent/))[0]];
      });
    },
    shows: /some is buffered/,
  },
  {
    says: 'knows the address of a socket',
    run: (site) =>
      withSocket(site, '/plain', async (socket, next) => {
        socket.send('address');
        return { same: (await next()).toString() === `text ${localPort(socket)}` };
      }),
    shows: /"same":true/,
  },
  {
    says: 'refuses an upgrade elsewhere, and one of another version',
    run: async (site) => {
      const other = { ...OPENING, 'Sec-WebSocket-Version': '7' };
      return [
        await exchange(site, [request('GET', '/nowhere', { headers: OPENING })]),
        await exchange(site, [request('GET', '/plain', { headers: other })]),
        await exchange(site, [request('GET', '/plain', { close: true })]),
      ];
    },
    shows: /401 Unauthorized.*426 Upgrade Required/,
  },
  {
    says: 'reads frames that come in one piece with the request, in fragments, and byte by byte',
    run: async (site) => {
      const frames = [
        frame(0x1, 'with the request'),
        frame(0x1, 'in three ', false),
        frame(0x9, 'between'),
        frame(0x0, 'frag', false),
        frame(0x0, 'ments'),
        frame(0x8, Buffer.of(0x03, 0xe8)),
      ];
      const all = [];
      for (const way of ['one piece', 'byte by byte'] as const) {
        using connection = await Exchange.open(site);
        const { wire } = connection;
        const opening = request('GET', '/plain', { headers: OPENING });
        const bytes = Buffer.concat([opening.bytes, ...frames]);
        connection.reader.ask('GET');
        if (way === 'one piece') await wire.send(bytes);
        else for (const byte of bytes) await wire.send(Buffer.of(byte));
        await wire.over();
        const [answer] = connection.reader.answers;
        const head = wire.received.indexOf('\r\n\r\n') + 4;
        all.push({
          answer: answer && steady(answer),
          frames: wire.received.subarray(head).toString('latin1'),
        });
      }
      return all;
    },
    shows: /101 Switching Protocols.*in three fragments/,
  },
  {
    says: 'ends a socket whose frames break the rules',
    run: async (site) => {
      const all = [];
      for (const broken of [
        Buffer.of(0x81, 0x01, 0x41),
        Buffer.of(0xf1, 0x80, 0, 0, 0, 0),
        frame(0x1, Buffer.of(0xff, 0xfe)),
        frame(0x0, 'nothing to continue'),
      ]) {
        using connection = await Exchange.open(site);
        connection.reader.ask('GET');
        await connection.wire.send(
          Buffer.concat([request('GET', '/plain', { headers: OPENING }).bytes, broken]),
        );
        const { wire } = connection;
        const closed = () => wire.received.indexOf(0x88, wire.received.indexOf('\r\n\r\n') + 4) >= 0;
        await until('a close frame', () => wire.isOver || closed());
        wire.finish();
        await wire.over();
        all.push(wire.received.subarray(wire.received.indexOf('\r\n\r\n') + 4).toString('hex'));
      }
      return all;
    },
    shows: /8802/,
  },
];

/** A frame as a client sends it; its mask is fixed. */
export function frame(opcode: number, payload: string | Buffer, isLast = true): Buffer {
  const data = Buffer.from(payload as string);
  const mask = Buffer.of(1, 2, 3, 4);
  const masked = data.map((byte, at) => byte ^ (mask[at % 4] as number));
  return Buffer.concat([Buffer.of((isLast ? 0x80 : 0) | opcode, 0x80 | data.length), mask, masked]);
}

type Next = () => Promise<Buffer>;

async function withSocket<T>(
  { port }: Site,
  path: string,
  use: (socket: WebSocket, next: Next) => Promise<T> | T,
): Promise<T> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`);
  const messages: Buffer[] = [];
  // A text is told from the same bytes by a word before it.
  socket.on('message', (data: Buffer, isBinary) =>
    messages.push(isBinary ? data : Buffer.concat([Buffer.from('text '), data])),
  );
  socket.on('error', () => {});
  try {
    await within(
      'a WebSocket',
      new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject)),
    );
    return await use(socket, () => until('a message', () => messages.shift()));
  } finally {
    socket.terminate();
  }
}

/** The port of a client, which ws does not tell. */
function localPort(socket: WebSocket): number {
  return (socket as unknown as { _socket: { localPort: number } })._socket.localPort;
}

function closing(socket: WebSocket): Promise<string> {
  return within(
    'the close',
    new Promise((resolve) => socket.once('close', (code, reason) => resolve(`${code} ${reason}`))),
  );
}

function digest(message: Buffer): string {
  return `${message.length} bytes, sha256 ${createHash('sha256').update(message).digest('hex')}`;
}

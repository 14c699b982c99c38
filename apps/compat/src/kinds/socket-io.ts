import { until, within } from '@millrace/testkit';
import { io, type Socket } from 'socket.io-client';
import { Exchange, exchange, request } from '../wire/exchange.js';
import type { Kind, Site } from './kind.js';

type Transports = readonly ('polling' | 'websocket')[];

const WAYS: readonly (readonly [string, Transports])[] = [
  ['polling', ['polling']],
  ['WebSocket', ['websocket']],
  ['polling that becomes WebSocket', ['polling', 'websocket']],
];

/** What the client of Socket.IO sees, by each of its transports. */
export const SOCKET_IO: readonly Kind[] = [
  ...WAYS.flatMap(([way, transports]): Kind[] => [
    {
      says: `sends events back, with binary data and acknowledgements, by ${way}`,
      run: (site) =>
        withSocket(site, transports, async (socket) => {
          const heard: unknown[] = [];
          socket.on('hello', (...values: unknown[]) => heard.push(values));
          socket.emit('hello', 'world', 1, { nested: [true, null] });
          socket.emit('hello', Buffer.from('binary'), 'x'.repeat(100_000));
          for (let at = 0; at < 100; at++) socket.emit('hello', at);
          await until('102 events', () => heard.length === 102);
          const sum: unknown = await socket.timeout(10_000).emitWithAck('add', 1, 2);
          return { heard: JSON.stringify(heard), sum };
        }),
      shows: /"sum":3/,
    },
    {
      says: `joins a room by ${way}`,
      run: (site) =>
        withSocket(site, transports, async (socket) => {
          const heard: unknown[] = [];
          socket.on('joined', (...values: unknown[]) => heard.push(values));
          await socket.timeout(10_000).emitWithAck('join', 'kitchen');
          await until('the event of the room', () => heard.length === 1);
          return heard;
        }),
      shows: /kitchen/,
    },
    {
      says: `ends a client by ${way}`,
      run: async (site) => {
        const printed = site.served.listen();
        const reason = await withSocket(site, transports, async (socket) => {
          const gone = new Promise((resolve) => socket.once('disconnect', resolve));
          socket.emit('leave me');
          return within('the end', gone);
        });
        return [reason, (await printed(/disconnected: server .*/))[0]];
      },
      shows: /io server disconnect/,
    },
    {
      says: `refuses a namespace by ${way}`,
      run: (site) =>
        within(
          'a refusal',
          new Promise((resolve) => {
            const socket = io(`http://127.0.0.1:${site.port}/admin`, {
              transports: [...transports],
              forceNew: true,
              reconnection: false,
            });
            socket.once('connect_error', (error) => {
              socket.close();
              resolve(error.message);
            });
          }),
        ),
      shows: /not authorized/,
    },
  ]),
  {
    says: 'becomes a WebSocket when it began with polling',
    run: (site) =>
      withSocket(site, ['polling', 'websocket'], async (socket) => {
        await until('the upgrade', () => socket.io.engine.transport.name === 'websocket');
        const sum: unknown = await socket.timeout(10_000).emitWithAck('add', 20, 22);
        return { transport: socket.io.engine.transport.name, sum };
      }),
    shows: /"transport":"websocket","sum":42/,
  },
  {
    says: 'answers the polling of several sessions by one connection, as a proxy has it',
    run: async (site) => {
      const ids: string[] = [];
      for (let at = 0; at < SESSIONS; at++) ids.push(await openSession(site));
      using connection = await Exchange.open(site);
      for (const body of ['40', '42["nothing"]'])
        for (const id of ids) {
          await connection.ask(request('POST', `/socket.io/?EIO=4&transport=polling&sid=${id}`, { body }));
          await connection.answered();
        }
      return (await connection.answered()).map(({ status }) => status);
    },
    shows: /^\[200,.*200\]$/,
  },
  {
    says: 'refuses an unknown session and an unknown transport',
    run: async (site) => [
      await exchange(site, [
        request('GET', '/socket.io/?EIO=4&transport=polling&sid=unknown', { close: true }),
      ]),
      await exchange(site, [request('GET', '/socket.io/?EIO=4&transport=pigeon', { close: true })]),
      await exchange(site, [request('GET', '/socket.io/socket.io.min.js', { close: true })]),
    ],
    shows: /Session ID unknown.*Transport unknown/,
  },
];

/** What holds of several workers in base mode as well: a session that polls is one worker's, and its requests may come to another. */
export const SOCKET_IO_WITHOUT_POLLS = SOCKET_IO.filter(({ says }) => !/polling/.test(says));

/** Sessions that are polled by one connection: some of them are of different workers, where there are several. */
const SESSIONS = 8;

/** How many connections poll one session: some of them are another worker's, where there are several. */
const POLLS = 16;

/** Opens a session by a connection of its own; returns its id. */
async function openSession({ port }: Pick<Site, 'port'>): Promise<string> {
  const asked = request('GET', '/socket.io/?EIO=4&transport=polling', { close: true });
  const { answers } = await exchange({ port }, [asked]);
  return (JSON.parse((answers[0] as { readonly body: string }).body.slice(1)) as { sid: string }).sid;
}

/** The status of each poll of one session, each by a connection of its own. */
export async function pollsOfOneSession({ port }: Pick<Site, 'port'>): Promise<string[]> {
  const ask = async (more: string, body?: string) => {
    const method = body === undefined ? 'GET' : 'POST';
    const path = `/socket.io/?EIO=4&transport=polling${more}`;
    const asked = request(method, path, { close: true, ...(body === undefined ? {} : { body }) });
    const { answers } = await exchange({ port }, [asked]);
    return answers[0] as { readonly line: string; readonly body: string };
  };
  const sid = await openSession({ port });
  const told: string[] = [];
  // It joins the main namespace, then sends it events that nothing listens for.
  for (let at = 0; at < POLLS; at++) {
    const answer = await ask(`&sid=${sid}`, at === 0 ? '40' : '42["nothing"]');
    told.push(`${answer.line} ${answer.body}`);
  }
  return told;
}

async function withSocket<T>(
  { port }: Site,
  transports: Transports,
  use: (socket: Socket) => Promise<T>,
): Promise<T> {
  const socket = io(`http://127.0.0.1:${port}`, {
    transports: [...transports],
    forceNew: true,
    reconnection: false,
  });
  try {
    await within(
      'a connection of Socket.IO',
      new Promise<void>((resolve, reject) => {
        socket.once('connect', resolve);
        socket.once('connect_error', reject);
      }),
    );
    return await use(socket);
  } finally {
    socket.close();
  }
}

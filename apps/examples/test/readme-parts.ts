/** What a part of a page leaves to its reader, as declarations in front of it. */
export interface PagePart {
  readonly file: string;
  /** A line of the part, by which it is found. */
  readonly has: string;
  readonly given: string;
}

const SERVER = `import type { Server } from '@millrace/server';
declare const server: Server;
`;
const SIGNAL = 'declare const signal: AbortSignal;\n';

const inServer = (has: string, given: string): PagePart => ({ file: 'apps/server/README.md', has, given });
const inMemory = (has: string, given = ''): PagePart => ({
  file: 'packages/shared-memory/README.md',
  has,
  given,
});

/** All parts of these pages in TypeScript that are more than a line, but the first program of each. */
export const PARTS: readonly PagePart[] = [
  {
    file: 'packages/channel/README.md',
    has: 'channelContract(',
    given: 'declare const HERE: never;\n',
  },
  {
    file: 'packages/http/README.md',
    has: 'const webSockets = ',
    given: `${SERVER}import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { WebSocketServer } from 'ws';
declare const app: RequestListener;
`,
  },
  { file: 'packages/http/README.md', has: 'async fetch(request)', given: '' },
  { file: 'packages/metrics/README.md', has: 'negotiateContentType(', given: '' },
  {
    file: 'packages/msg-queue/README.md',
    has: 'QueueChannel.open<Job, Report>',
    given: 'interface Job { path: string }\ninterface Report { bytes: number }\n',
  },
  { file: 'packages/process-pool/README.md', has: 'new ManagedProcess<', given: '' },
  {
    file: 'packages/process-pool/README.md',
    has: 'await runWorker({',
    given: 'declare function answer(data: Buffer): Promise<Buffer>;\n',
  },
  {
    file: 'packages/process-pool/README.md',
    has: 'new Links({',
    given: `declare const child: { descriptor(name: string): number };
declare function report(client: number, error: Error): void;
declare const codec: import('@millrace/channel').Codec<unknown>;
`,
  },
  {
    file: 'packages/reactor/README.md',
    has: 'new TlsAcceptor(',
    given: `import { TlsAcceptor, TlsConnection, type Listener, type Reactor } from '@millrace/reactor';
declare const reactor: Reactor;
declare const listener: Listener;
declare const handlers: ConstructorParameters<typeof TlsConnection>[2]['handlers'];
declare const key: string, cert: string, otherKey: string, otherCert: string;
`,
  },
  inMemory('AtomicUint32.openOrCreate', SIGNAL),
  inMemory('Gate.openOrCreate', SIGNAL),
  inMemory('Barrier.openOrCreate', SIGNAL),
  inMemory('Mutex.openOrCreate', `${SIGNAL}declare function repair(): void;\n`),
  inMemory('shm.create('),
  inMemory(
    'spawnWithRing<Job, Report>',
    `interface Job { path: string }
interface Report { path: string; bytes: number }
declare const path: string;
declare function measure(path: string): Promise<number>;
`,
  ),
  inMemory('Table.openOrCreate'),
  { file: 'packages/task-broker/README.md', has: 'const host = serveTasks(', given: '' },
  {
    file: 'packages/task-broker/README.md',
    has: 'of engineContract)',
    given: `import { engineContract } from '@millrace/task-broker/contract';
declare function test(name: string, run: () => void | Promise<void>): void;
declare function myEngine(): Parameters<(typeof engineContract)[number]['run']>[0]['engine'];
`,
  },
  {
    file: 'packages/task-bullmq/README.md',
    has: 'new TaskSchedules(',
    given: "import { TaskSchedules } from '@millrace/task-bullmq';\ndeclare const connection: string;\n",
  },
  { file: 'apps/cli/README.md', has: 'export default defineConfig(', given: '' },
  inServer(
    'for await (const row of rowsOf(request))',
    `${SERVER}declare function rowsOf(request: Buffer): AsyncIterable<string>;\n`,
  ),
  inServer(
    'server.serve(net.createServer(onSocket)',
    `import net from 'node:net';
import type { RequestListener } from 'node:http';
import { createServer } from '@millrace/server';
declare function express(): RequestListener;
declare function onSocket(socket: net.Socket): void;
`,
  ),
  inServer(
    'chat.keep(socket',
    `import type { IncomingMessage, Server } from 'node:http';
import type { WebSocket } from 'ws';
declare const app: Server;
declare function serve(socket: WebSocket, user: unknown): void;
declare function userOf(request: IncomingMessage): unknown;
`,
  ),
  inServer(
    'server.addProcess(() =>',
    `${SERVER}declare function report(): void;\ndeclare function warmUp(): void;\n`,
  ),
  inServer("server.addTable('visits'", `${SERVER}import { column } from '@millrace/shared-memory';\n`),
  inServer(
    "server.addCommand('size'",
    `${SERVER}${SIGNAL}declare const caches: Map<string, Map<string, string>>;\n`,
  ),
  inServer("server.subscribe('news'", SERVER),
  inServer('bus: redis(', "import { createServer } from '@millrace/server';\n"),
  inServer("type: 'datagram'", SERVER),
  inServer("activation: 'web'", "import { createServer } from '@millrace/server';\n"),
  inServer(
    "'/etc/ssl/server.key'",
    "import { createServer } from '@millrace/server';\ndeclare const key: string, cert: string;\n",
  ),
  inServer("taskTransport: 'system-v-queue'", "import { createServer } from '@millrace/server';\n"),
  inServer(
    'taskTransport: bullmq(',
    `import { createServer } from '@millrace/server';
${SIGNAL}declare const image: Buffer;
declare const HERE: Buffer;
declare function onProgress(value: unknown): void;
`,
  ),
  {
    file: 'docs/testing.md',
    has: "test('a line is echoed'",
    given: 'declare function ask(port: number, line: string): Promise<string>;\n',
  },
  {
    file: 'docs/testing.md',
    has: 'export const server = ',
    given: "import { createServer } from '@millrace/server';\n",
  },
  { file: 'docs/testing.md', has: 'inspector.open(', given: SERVER },
  {
    file: 'docs/sharing-a-table.md',
    has: 'Table.openOrCreate(',
    given: "import { column, Table } from '@millrace/shared-memory';\n",
  },
];

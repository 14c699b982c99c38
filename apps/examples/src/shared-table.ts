/**
 * Counts how often each word has come, in a table that all workers share. A line is a word; it is answered with its count, whichever
 * worker gets it. `all` is answered with the whole table.
 *
 *     node dist/shared-table.js 9501 [user]
 *     node -e "net.connect(9501, '127.0.0.1').end('ada\nada\nall\n').pipe(process.stdout)"
 *
 * Start it twice by mistake, kill it with SIGKILL and start it again, or give it a user (as root): the table is this server's alone,
 * and begins empty.
 */
import { createServer } from '@millrace/server';
import { column } from '@millrace/shared-memory';

const [port = '9501', user] = process.argv.slice(2);

const server = createServer({
  port: Number(port),
  reactorNum: 1,
  workerNum: 2,
  framing: { kind: 'eof', delimiter: '\n' },
  ...(user !== undefined && { user }),
});

// Here, and not in a handler: the master makes it, and every other process opens the same.
const words = server.addTable('words', { rows: 1_000, columns: { count: column.int64() } });

server.on('receive', (session, line) => {
  const word = line.toString();
  if (word === 'all') {
    const rows = [...words].map(([word, { count }]) => `${word} ${count}`);
    return session.send(`${rows.sort().join(', ')}\n`);
  }
  return session.send(`${words.increment(word, 'count')}\n`);
});
server.on('start', () => console.log(`listening on ${server.addresses[0]?.port}`));

try {
  await server.start();
} catch (error) {
  // A second one by mistake: the port is the first one's, and its table was never touched.
  console.error((error as Error).message);
  process.exitCode = 1;
}

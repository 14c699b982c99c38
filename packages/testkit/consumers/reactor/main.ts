import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { Connection, Listener, Reactor } from '@millrace/reactor';

const reactor = new Reactor();
const listener = new Listener({ host: '127.0.0.1', port: 0 });
listener.start(reactor, {
  onAccept: (fd) =>
    void new Connection(reactor, fd, {
      framing: { kind: 'eof', delimiter: '\n', includeDelimiter: true },
      handlers: { onFrame: (connection, memory, start, end) => connection.write(memory, start, end) },
    }),
  onExhausted: (error) => console.warn(error.message),
});
const client = connect((listener.address as { port: number }).port, '127.0.0.1');
client.write('hello\n');
const [data] = (await once(client, 'data')) as [Buffer];
assert.equal(data.toString(), 'hello\n');
client.destroy();
listener.close();
reactor.close();

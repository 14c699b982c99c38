/** TCP echo on the reactor: `node echo-reactor.js blocking|node`. Prints its port. */
import { Connection, Listener, Reactor } from '@millrace/reactor';

const mode = process.argv[2] as 'blocking' | 'node';
const reactor = new Reactor({ mode });
const listener = new Listener({ host: '127.0.0.1', port: 0 });
const options = {
  handlers: {
    onFrame: (connection: Connection, memory: Buffer, start: number, end: number) => {
      connection.write(memory, start, end);
    },
  },
};
listener.start(reactor, { onAccept: (fd) => new Connection(reactor, fd, options) });
console.log(listener.address.port);
if (mode === 'blocking') reactor.run();

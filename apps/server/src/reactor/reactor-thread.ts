/** The module that a reactor thread runs: blocks in epoll until it is told to stop. */
import { workerData } from 'node:worker_threads';
import { Reactor } from '@millrace/reactor';
import type { ReactorThreadData } from './thread.js';
import { Traffic } from './traffic.js';
import { importUserFunctions } from './user-functions.js';

const { thread, dispatchModule } = workerData as {
  readonly thread: ReactorThreadData;
  readonly dispatchModule: string | undefined;
};
const functions = await importUserFunctions(thread.ports, dispatchModule);
const reactor = new Reactor({ mode: 'blocking' });
const traffic = new Traffic(reactor, thread, functions);
reactor.run();
traffic.close();
reactor.close();

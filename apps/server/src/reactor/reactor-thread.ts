/**
 * The module that a reactor thread runs: blocks in epoll until it is told to stop. Where a listener has TLS, which is
 * node:tls's to do, it runs in Node's loop instead.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { Reactor } from '@millrace/reactor';
import type { ReactorThreadData, ToThread } from './reactor-context.js';
import { ReactorRouter } from './reactor-router.js';
import { importUserFunctions } from './user-functions.js';

const { thread, dispatchModule } = workerData as {
  readonly thread: ReactorThreadData;
  readonly dispatchModule: string | undefined;
};
const functions = await importUserFunctions(thread.ports, dispatchModule);
const reactor = new Reactor({ mode: thread.topology.tls ? 'node' : 'blocking' });
const router = new ReactorRouter(reactor, thread, functions);
if (reactor.mode === 'node') parentPort?.on('message', ({ tls }: ToThread) => router.replaceTls(tls));
// Blocking, it returns at the end; in Node's loop at once.
reactor.run();
await router.ended;
parentPort?.close();
router.close();
reactor.close();

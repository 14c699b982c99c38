import { parentPort } from 'node:worker_threads';
import { Reactor } from '@millrace/reactor';
import type { OpenedSecure, ReactorThreadData, ToThread } from './reactor-context.js';
import { ReactorRouter } from './reactor-router.js';
import { importUserFunctions } from './user-functions.js';

/** What a reactor thread is given. */
export interface ReactorWork {
  readonly thread: ReactorThreadData;
  readonly dispatchModule: string | undefined;
}

/**
 * The whole work of a reactor thread: blocks in epoll until it is told to stop. Where a listener has TLS, which is
 * node:tls's to do, it runs in Node's loop instead; from the time on when a program listens so, where it does not from the beginning.
 */
export async function runReactor({ thread, dispatchModule }: ReactorWork): Promise<void> {
  const functions = await importUserFunctions(thread.ports, dispatchModule);
  const reactor = new Reactor({ mode: thread.topology.tls ? 'node' : 'blocking' });
  const router = new ReactorRouter(reactor, thread, functions);
  // Blocking, it returns at the end, or when it is to go on in Node's loop; in there at once.
  reactor.run();
  if (router.wantsLoop) reactor.enterNodeLoop();
  if (reactor.mode === 'node') {
    parentPort?.on('message', (message: ToThread) => {
      if (message.type === 'replaceTls') return router.replaceTls(message.tls);
      router.openSecure(message);
      parentPort?.postMessage({ listener: message.listener } satisfies OpenedSecure);
    });
    reactor.run();
  }
  await router.ended;
  parentPort?.close();
  router.close();
  reactor.close();
}

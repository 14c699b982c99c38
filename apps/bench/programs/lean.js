import { createServer } from '@millrace/server';

const { PORT, HOST, MODE = 'process', WORKERS = '1' } = process.env;

/** Serves `handler` by the engine that is lean, on a server as the suite starts one by the command. */
export async function serveLean(handler) {
  const server = createServer({
    port: Number(PORT),
    host: HOST,
    backlog: 4096,
    mode: MODE,
    workerNum: Number(WORKERS),
    ...(MODE === 'process' && { reactorNum: 1 }),
    logLevel: 'error',
  });
  server.serve(handler, { engine: 'lean' });
  await server.start();
}

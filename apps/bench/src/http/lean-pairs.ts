import { manner, type Pair } from './pair.js';
import {
  type HttpProgram,
  nodeCluster,
  plain,
  servedBytes,
  servedLean,
  started,
  swooleHttp,
  swooleWebSocket,
} from './programs.js';

/** One worker, beside Swoole's own HTTP and plain node:http. */
export function leanOne(): Pair[] {
  const [process1, base1] = [manner('process', 1), manner('base', 1)];
  const [swooleProcess, swooleBase] = [swooleHttp(process1), swooleHttp(base1)];
  const node = plain('hello-node', 'node:http');
  const process = servedLean('hello-lean', '', process1);
  const base = servedLean('hello-lean', '', base1);
  const fastify = plain('hello-fastify', 'fastify');
  const fastifyProcess = servedLean('hello-fastify-lean', 'fastify', process1);
  const fastifyBase = servedLean('hello-fastify-lean', 'fastify', base1);
  const processBytes = servedBytes('hello-bytes', process1);
  const baseBytes = servedBytes('hello-bytes', base1);
  return [
    {
      ours: process,
      peer: swooleProcess,
      ...{ rate: 1.4, cpu: 1, headline: "a lean handler, beside Swoole's own HTTP" },
    },
    { ours: base, peer: swooleBase, rate: 0.95, cpu: 1 },
    { ours: process, peer: node },
    { ours: base, peer: node },
    { ours: process, peer: started('hello-node', '', process1) },
    { ours: fastifyProcess, peer: fastify, rate: 2.5, headline: 'a Fastify program, lean, beside node' },
    { ours: fastifyBase, peer: fastify },
    // What the engine takes, and what is left for all above the sockets.
    { ours: fastifyProcess, peer: process },
    { ours: processBytes, peer: fastify },
    { ours: baseBytes, peer: fastify },
    { ours: processBytes, peer: swooleProcess },
    { ours: baseBytes, peer: swooleBase },
  ];
}

export function leanTwo(): Pair[] {
  const [process2, base2] = [manner('process', 2), manner('base', 2)];
  const process = servedLean('hello-lean', '', process2);
  const base = servedLean('hello-lean', '', base2);
  const cluster = nodeCluster(2);
  const swooleProcess = swooleHttp(process2);
  return [
    { ours: process, peer: swooleProcess, rate: 1.2, cpu: 1 },
    { ours: servedBytes('hello-bytes', process2), peer: swooleProcess },
    { ours: base, peer: swooleHttp(base2) },
    { ours: process, peer: cluster },
    { ours: base, peer: cluster },
  ];
}

/** The client on a network of its own; `missing`: why there can be none. */
export function leanApart(missing: string | undefined): Pair[] {
  const withWord = (program: HttpProgram): HttpProgram => ({
    ...program,
    missing: program.missing ?? missing,
  });
  const node = withWord(plain('hello-node', 'node:http'));
  return [manner('process', 1), manner('base', 1)].flatMap((each) => {
    const ours = withWord(servedLean('hello-lean', '', each));
    return [
      { ours, peer: withWord(swooleHttp(each)) },
      { ours, peer: node },
    ];
  });
}

/** An echo of the package ws, beside Swoole's WebSocket server, plain ws and the same program without lean. */
export function leanWebSockets(): Pair[] {
  const [process1, base1] = [manner('process', 1), manner('base', 1)];
  const ws = plain('echo-ws', 'ws');
  const process = servedLean('echo-ws-lean', 'ws', process1);
  const base = servedLean('echo-ws-lean', 'ws', base1);
  const [swooleProcess, swooleBase] = [swooleWebSocket(process1), swooleWebSocket(base1)];
  return [
    {
      ours: process,
      peer: swooleProcess,
      ...{ rate: 1.4, cpu: 1, headline: "an echo over WebSockets (ws), lean, beside Swoole's own" },
    },
    { ours: base, peer: swooleBase, rate: 0.85 },
    { ours: process, peer: ws },
    { ours: base, peer: ws },
    { ours: process, peer: started('echo-ws', 'ws', process1) },
    // What is left for all above the sockets.
    { ours: servedBytes('echo-ws-bytes', process1), peer: swooleProcess },
    { ours: servedBytes('echo-ws-bytes', base1), peer: swooleBase },
  ];
}

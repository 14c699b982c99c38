import { asWorker, type ListenerIndex, type Unchecked, type WorkerId } from '../contract/ids.js';

/** Descriptors by name; the names are the same in every process, the numbers are each process's own. */
export type { Descriptors } from '@millrace/process-pool/links';

/** Memories of the plan, see server-plan.ts, which names the links and doorbells. */
export const CONNECTIONS = 'connections';
export const COUNTERS = 'counters';
export const TLS = 'tls';
/** What is kept of WebSockets that can be resumed. */
export const RESUME = 'resume';
/** The last lines of the log. */
export const LOG_RING = 'log.ring';
/** Which process subscribes to what. */
export const TOPICS = 'topics';
/** What happens to the messages of the sessions that are traced. */
export const TRACE = 'trace';
/** Keys and certificates, in base mode. */
export const KEYS = 'keys';

/** The socket of a listener for datagrams. */
export const datagramName = (listener: Unchecked<ListenerIndex>) => `datagram.${listener}`;
/** A table of the user's. */
export const sharedTableName = (name: string) => `table.${name}`;

/** The memory of the registry that the server itself counts in. */
export const NUMBERS = 'numbers';
/** The memory of a registry of the program's metrics. */
export const registryName = (name: string) => `${REGISTRY}${name}`;
const REGISTRY = 'registry.';
/** Of a descriptor of that name, the name of the registry; undefined: it is another memory's. */
export const registryOf = (name: string) =>
  name.startsWith(REGISTRY) ? name.slice(REGISTRY.length) : undefined;

/** The listening socket of a port that workers accept from, in base mode; `worker`: where each has one of its own. */
export const socketName = (listener: Unchecked<ListenerIndex>, worker: WorkerId | undefined) =>
  worker === undefined ? `socket.${listener}` : `socket.${listener}.${worker}`;

/**
 * The names of the sockets that a worker accepts from in base mode, by listener. `own`: of each, whether it has several sockets: as many as
 * there are workers at the start, of which each is some worker's at any time, however many there are.
 */
export function socketNames(
  own: readonly boolean[],
  worker: WorkerId,
  { started, workers }: { readonly started: number; readonly workers: number },
): string[][] {
  const all = Array.from({ length: started }, (_, socket) => asWorker(socket));
  return own.map((each, listener) => {
    if (!each) return [socketName(listener, undefined)];
    const its = all.filter((socket) => socket % workers === worker || socket === worker % started);
    return its.map((socket) => socketName(listener, socket));
  });
}

/** The names of all sockets of base mode. */
export function allSocketNames(own: readonly boolean[], started: number): string[] {
  return own.flatMap((each, listener) =>
    each
      ? Array.from({ length: started }, (_, socket) => socketName(listener, asWorker(socket)))
      : [socketName(listener, undefined)],
  );
}

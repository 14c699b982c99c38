import { asWorker } from '../contract/ids.js';
/** The listening sockets of base mode, which the master binds and workers accept from. */
import { type Descriptors, socketName } from '../links/descriptor-names.js';
import type { ResolvedPort } from '../options/resolved-port.js';
import type { ActivatedSockets } from './activation.js';
import { type Bound, bindPort, numberOf } from './listeners.js';

/** What a server listens on, and under which names its workers find it. */
export interface BoundSockets {
  /** One for each listener, whose address is that of all its sockets. */
  readonly first: readonly Bound[];
  readonly all: readonly Bound[];
  readonly descriptors: Descriptors;
}

/** Binds every socket; of a listener with several, the others to the port that the first has got. Throws `ERR_MILLRACE_LISTEN`. */
export function bindSockets(
  ports: readonly ResolvedPort[],
  own: readonly boolean[],
  workers: number,
  given: ActivatedSockets,
): BoundSockets {
  const first: Bound[] = [];
  const all: Bound[] = [];
  const descriptors: Record<string, number> = {};
  const bind = (port: ResolvedPort, name: string) => {
    const bound = bindPort(port, given);
    all.push(bound);
    descriptors[name] = bound.fd;
    return bound;
  };
  try {
    for (const [index, port] of ports.entries()) {
      if (port.late) continue;
      const each = own[index] === true;
      const leader = bind(port, socketName(index, each ? asWorker(0) : undefined));
      first.push(leader);
      for (let worker = 1; each && worker < workers; worker++)
        bind({ ...port, port: numberOf(leader) }, socketName(index, asWorker(worker)));
    }
    return { first, all, descriptors };
  } catch (error) {
    for (const bound of all) bound.close();
    throw error;
  }
}

/**
 * Brings what a Millrace server publishes to the subscribers of others, over NATS; JetStream is not needed.
 *
 * ```ts
 * import { nats } from '@millrace/task-nats/bus';
 *
 * const server = createServer({ port: 9501, bus: nats({ servers: 'nats://10.0.0.7', name: 'chat' }) });
 * server.on('workerStart', () => { server.subscribe('news', (text) => …); });
 * server.publish('news', 'to all processes of all servers of that name');
 * ```
 *
 * @packageDocumentation
 */
import { checkOptions, optionNames, shown } from '@millrace/channel';
import { BrokerError } from '@millrace/task-broker';
import { serversOf } from './servers.js';

export interface NatsBusOptions {
  /** `nats://host:4222`, or several of one cluster. Default: `nats://127.0.0.1:4222`. */
  readonly servers?: string | readonly string[];
  /** Who connects. Default: nobody in particular. */
  readonly user?: string;
  readonly pass?: string;
  readonly token?: string;
  /** Servers of one name hear each other: it is before all subjects. Default `'millrace'`. */
  readonly name?: string;
}

export interface ResolvedNatsBusOptions {
  readonly servers: readonly string[];
  readonly user?: string | undefined;
  readonly pass?: string | undefined;
  readonly token?: string | undefined;
  readonly name: string;
}

/** What the option `bus` of a server takes. */
export interface NatsBus {
  readonly name: string;
  readonly module: string;
  readonly options: ResolvedNatsBusOptions;
}

const OPTIONS = optionNames<NatsBusOptions>({
  servers: true,
  user: true,
  pass: true,
  token: true,
  name: true,
});
/** What the process that holds the connection loads. */
const MODULE = new URL('./nats-bus.js', import.meta.url);

/** The option `bus` of a server. Throws `ERR_MILLRACE_BROKER_OPTION` and `ERR_MILLRACE_UNKNOWN_OPTION`. */
export function nats(options: NatsBusOptions = {}): NatsBus {
  checkOptions(options, OPTIONS, 'nats()');
  const { servers, name = 'millrace', user, pass, token } = options;
  if (typeof name !== 'string' || !/^[\w-]{1,64}$/.test(name)) {
    const message = `'name' must be 1 to 64 letters, digits, '-' and '_', not ${shown(name)}.`;
    throw new BrokerError('ERR_MILLRACE_BROKER_OPTION', message, { value: name });
  }
  return {
    name: 'NATS',
    module: MODULE.href,
    options: { servers: serversOf(servers), name, user, pass, token },
  };
}

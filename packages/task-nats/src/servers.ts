import { shown } from '@millrace/channel';
import { BrokerError } from '@millrace/task-broker';

/** The option `servers`. Throws `ERR_MILLRACE_BROKER_OPTION`. */
export function serversOf(servers: string | readonly string[] = 'nats://127.0.0.1:4222'): readonly string[] {
  const list: unknown = typeof servers === 'string' ? [servers] : servers;
  if (Array.isArray(list) && list.length > 0 && list.every((server) => typeof server === 'string'))
    return [...(list as string[])];
  const message = `'servers' must be an address, or a list of some, not ${shown(servers)}.`;
  throw new BrokerError('ERR_MILLRACE_BROKER_OPTION', message, { value: servers });
}

import { shown } from '@millrace/channel';
import { BrokerError } from '@millrace/task-broker';

/** The client takes the host of any address, and would speak NATS to a Redis for ever. */
const OTHER_SCHEME = /^(?!nats:|tls:|wss?:)[a-z][a-z\d+.-]*:\/\//i;

/** Of an address: they belong into no log, so the error has no value either. */
const CREDENTIALS = /\/\/[^@/]*@/g;

export function withoutCredentials(text: string): string {
  return text.replace(CREDENTIALS, '//…@');
}

/** The option `servers`. Throws `ERR_MILLRACE_BROKER_OPTION`. */
export function serversOf(servers: string | readonly string[] = 'nats://127.0.0.1:4222'): readonly string[] {
  const list: unknown = typeof servers === 'string' ? [servers] : servers;
  const isAddress = (server: unknown) => typeof server === 'string' && !OTHER_SCHEME.test(server);
  if (Array.isArray(list) && list.length > 0 && list.every(isAddress)) return [...(list as string[])];
  const message = `'servers' must be an address, as nats://127.0.0.1:4222, or a list of some, not ${withoutCredentials(shown(servers))}.`;
  throw new BrokerError('ERR_MILLRACE_BROKER_OPTION', message);
}

import type { Handlers, ServerEvents } from '../contract/events.js';
import { ServerError } from '../errors.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { showPort } from '../options/resolved-port.js';
import type { Port } from './port.js';

/** Makes sure that what the options ask for has handlers. Throws `ERR_MILLRACE_HANDLER_MISSING`. */
export function assertHandlers(
  { tasks, taskWorkerNum }: ResolvedOptions,
  handlers: Handlers<ServerEvents>,
  ports: readonly Port[],
): void {
  for (const { options, handlers: own } of ports) {
    if (options.protocol !== 'messages' || options.late) continue;
    const event = options.type === 'datagram' ? 'packet' : 'receive';
    if (own.has(event) || handlers.has(event)) continue;
    throw missing(
      `The listener on ${showPort(options)} has no handler for '${event}': add server.on('${event}', …).`,
    );
  }
  if (taskWorkerNum > 0 && Object.keys(tasks).length === 0 && !handlers.has('task')) {
    throw missing(
      `taskWorkerNum is ${taskWorkerNum}, but there is no task: set 'tasks', or add server.on('task', …).`,
    );
  }
}

function missing(message: string): ServerError {
  return new ServerError('ERR_MILLRACE_HANDLER_MISSING', message);
}

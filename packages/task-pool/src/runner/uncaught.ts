import { describePlainly, describeThrown, type Thrown } from '../wire/thrown.js';

type Listener = (error: unknown) => void;

const listeners = new Set<Listener>();

function tell(error: unknown): void {
  for (const listener of listeners) listener(error);
}

/**
 * Calls `listener` with every uncaught error and unhandled rejection of this process, before Node acts on it, and does not change
 * what Node does. Returns a function that ends this. All share one listener of Node, which warns of many.
 */
export function onUncaught(listener: Listener): () => void {
  if (listeners.size === 0) process.on('uncaughtExceptionMonitor', tell);
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) process.off('uncaughtExceptionMonitor', tell);
  };
}

/** Sends the error that this process dies of; there may be no room for all of it, or for any. */
export function sendDying(error: unknown, send: (description: Thrown) => void): void {
  try {
    send(describeThrown(error));
  } catch {
    try {
      send(describePlainly(error));
    } catch {
      // The client learns of the death alone.
    }
  }
}

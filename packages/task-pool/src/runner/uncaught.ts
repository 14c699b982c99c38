import { describePlainly, describeThrown, type Thrown } from '../wire/thrown.js';

type Listener = (error: unknown) => void;

const listeners = new Set<Listener>();

function tell(error: unknown): void {
  for (const listener of listeners) listener(error);
}

/**
 * Calls `listener` with every error of this process that nobody caught, rejections too, before anything becomes of it,
 * and changes nothing of that. Returns what ends this. One listener of Node's for all: it warns of many.
 */
export function onUncaught(listener: Listener): () => void {
  if (listeners.size === 0) process.on('uncaughtExceptionMonitor', tell);
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) process.off('uncaughtExceptionMonitor', tell);
  };
}

/** Says of what error this process ends; there may be no room for all of it, or for any. */
export function sayDying(error: unknown, say: (description: Thrown) => void): void {
  try {
    say(describeThrown(error));
  } catch {
    try {
      say(describePlainly(error));
    } catch {
      // The end of this process says the rest.
    }
  }
}

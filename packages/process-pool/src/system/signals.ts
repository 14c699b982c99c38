/** What a process does about a signal: call a function, nothing, or what the kernel does by default. */
export type SignalReaction = ((signal: NodeJS.Signals) => void) | 'ignore' | 'default';

const reactions = new Map<NodeJS.Signals, (signal: NodeJS.Signals) => void>();

/**
 * Sets what this process does about `signal`, in place of what it did before through this function: one reaction at a
 * time, which may replace itself while it runs. A child process has none of its parent's. Returns the one before.
 *
 * Handlers of `process.on` are Node's and stay; the kernel's default comes only without any.
 */
export function onSignal(signal: NodeJS.Signals, reaction: SignalReaction): SignalReaction {
  const before = reactions.get(signal);
  reactions.delete(signal);
  if (reaction !== 'default') {
    const handler = reaction === 'ignore' ? doNothing : reaction;
    reactions.set(signal, handler);
    process.on(signal, handler);
  }
  // After the new one is there: without any, a signal that comes in between would be lost, or end the process.
  if (before) process.removeListener(signal, before);
  if (before === undefined) return 'default';
  return before === doNothing ? 'ignore' : before;
}

function doNothing(): void {}

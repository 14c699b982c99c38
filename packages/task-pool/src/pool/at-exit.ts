/** Actions that run on the process's `exit` event. */
const actions = new Set<() => void>();

/** Runs `action` when this process exits; returns a function that cancels it. All share one listener of the process. */
export function atExit(action: () => void): () => void {
  if (actions.size === 0) process.on('exit', doAll);
  actions.add(action);
  return () => {
    actions.delete(action);
    if (actions.size === 0) process.off('exit', doAll);
  };
}

function doAll(): void {
  for (const action of actions) action();
}

/** What is to be done when this process ends, in whatever way it still can do something. */
const actions = new Set<() => void>();

/** Does `action` when this process ends, once; returns what takes it back. One listener of the process serves all. */
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

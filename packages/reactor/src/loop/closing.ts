/**
 * What a reactor does when it closes, for requests that wait for a turn and get no other one. A file of its own: sockets on a
 * reactor and the reactor itself import it, users do not.
 */
const actions = new WeakMap<object, Set<() => void>>();

/** Has `action` run when `reactor` closes, before it gives up what it watches. */
export function addClosing(reactor: object, action: () => void): void {
  const known = actions.get(reactor);
  if (known === undefined) actions.set(reactor, new Set([action]));
  else known.add(action);
}

export function dropClosing(reactor: object, action: () => void): void {
  actions.get(reactor)?.delete(action);
}

/** What is to be done now that `reactor` closes. */
export function takeClosing(reactor: object): (() => void)[] {
  const taken = [...(actions.get(reactor) ?? [])];
  actions.delete(reactor);
  return taken;
}

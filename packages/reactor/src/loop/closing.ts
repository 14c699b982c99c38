import type { Reactor } from './reactor.js';

/** What is to be done when a reactor closes, for those who wait for a turn and for whom no other one comes. */
const actions = new WeakMap<Reactor, Set<() => void>>();

/** Has `action` run when `reactor` closes, before it gives up what it watches. */
export function addClosing(reactor: Reactor, action: () => void): void {
  const known = actions.get(reactor);
  if (known === undefined) actions.set(reactor, new Set([action]));
  else known.add(action);
}

export function dropClosing(reactor: Reactor, action: () => void): void {
  actions.get(reactor)?.delete(action);
}

/** What is to be done now that `reactor` closes. */
export function takeClosing(reactor: Reactor): (() => void)[] {
  const taken = [...(actions.get(reactor) ?? [])];
  actions.delete(reactor);
  return taken;
}

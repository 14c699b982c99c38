/**
 * Keeps loads that stand before it from being done after it. In a file of its own, so that tests can act between the loads.
 *
 * A reader needs it between a row's data and its second look at VERSION. `Atomics.load` keeps later loads from moving
 * before it, not earlier ones from moving behind it; x64 never does that, arm64 does. There, a read-modify-write (of a
 * word that no other thread sees) is the only fence that JavaScript has: its store waits for the loads before it, and
 * the load of VERSION waits for its store.
 */
export const fence: () => void = process.arch === 'x64' ? () => {} : orderLoads;

const own = new Int32Array(new SharedArrayBuffer(4));

function orderLoads(): void {
  Atomics.or(own, 0, 0);
}

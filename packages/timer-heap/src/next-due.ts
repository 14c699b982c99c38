/** The first of `due + k * interval` that is after `now`: ticks that were missed merge into one, and none drifts. */
export function nextDue(due: number, interval: number, now: number): number {
  const next = due + interval * (Math.floor((now - due) / interval) + 1);
  return next > now ? next : next + interval;
}

/**
 * The state of a member of a pool.
 *
 * - `starting`: it has a process that is not ready yet
 * - `ready`: the process has announced that it is ready
 * - `running`: it has been ready for `stableAfter`, so that earlier failures are forgotten
 * - `draining`: it has been replaced, and finishes its work until its deadline
 * - `stopping`: it has been asked to end
 * - `dead`: there is no process; one may be about to start
 * - `given-up`: it failed too often; `start` or a reload tries it anew
 */
export type MemberState = 'starting' | 'ready' | 'running' | 'draining' | 'stopping' | 'dead' | 'given-up';

export type MemberEvent = 'start' | 'announced' | 'stable' | 'drain' | 'stop' | 'end' | 'give-up';

type Row = Readonly<Record<MemberEvent, MemberState | '·'>>;

function row(
  start: Row['start'],
  announced: Row['announced'],
  stable: Row['stable'],
  drain: Row['drain'],
  stop: Row['stop'],
  end: Row['end'],
  giveUp: Row['give-up'],
): Row {
  return { start, announced, stable, drain, stop, end, 'give-up': giveUp };
}

/** The next state for each event in each state; `·`: nothing happens. */
// biome-ignore format: it is a table
const TABLE: Readonly<Record<MemberState, Row>> = {
  //              start       announced  stable     drain       stop        end     give-up
  'dead':     row('starting', '·',       '·',       '·',        '·',        '·',    'given-up'),
  'starting': row('·',        'ready',   '·',       'stopping', 'stopping', 'dead', '·'),
  'ready':    row('·',        '·',       'running', 'draining', 'stopping', 'dead', '·'),
  'running':  row('·',        '·',       '·',       'draining', 'stopping', 'dead', '·'),
  'draining': row('·',        '·',       '·',       '·',        'stopping', 'dead', '·'),
  'stopping': row('·',        '·',       '·',       '·',        '·',        'dead', '·'),
  'given-up': row('starting', '·',       '·',       '·',        'dead',     '·',    '·'),
};

/** The state after `event`, or undefined where nothing happens. */
export function after(state: MemberState, event: MemberEvent): MemberState | undefined {
  const next = TABLE[state][event];
  return next === '·' ? undefined : next;
}
